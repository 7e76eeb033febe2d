"""docs/map.md is written by hand; every file it names must exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`([\w./-]+/[\w./-]*)`")


def faults() -> list[str]:
    """Paths in the map that lead nowhere; a path may start at the root, at the package or at the tests."""
    text = (ROOT / "docs" / "map.md").read_text()
    bases = (ROOT, ROOT / "src" / "grantline", ROOT / "tests")
    return [
        f"docs/map.md names {name}, which does not exist"
        for name in NAMED.findall(text)
        if not any((base / name).exists() for base in bases)
    ]
