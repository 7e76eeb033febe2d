"""Generated pages, and pages that name files: `python -m tools.docs write|check`."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from tools import clauses, cli_page, conformance, exceptions_page, figures, map_check, openapi, settings_page

ROOT = Path(__file__).parents[1]
PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_page.page,
    "docs/cli.md": cli_page.page,
    "docs/clauses.md": clauses.page,
    "docs/conformance.md": conformance.page,
    "docs/exceptions.md": exceptions_page.page,
    "docs/openapi.json": openapi.page,
    "README.md": figures.page,
}


def differences() -> list[str]:
    """Lines by which a committed page differs from a fresh one."""
    found: list[str] = []
    for name, page in PAGES.items():
        path = ROOT / name
        old = path.read_text() if path.exists() else ""
        found += difflib.unified_diff(old.splitlines(), page().splitlines(), name, "fresh", lineterm="", n=0)
    return found


def main(arguments: list[str]) -> int:
    """Exit code 0 when in step (or written), 1 otherwise."""
    faults = [*clauses.faults(), *conformance.faults(), *map_check.faults()]
    if arguments == ["write"]:
        for name, page in PAGES.items():
            (ROOT / name).write_text(page())
    elif arguments == ["check"]:
        changed = differences()
        faults += [*changed[:40], "Run: python -m tools.docs write"] if changed else []
    else:
        print(__doc__)
        return 2
    print("\n".join(faults) if faults else "in step")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
