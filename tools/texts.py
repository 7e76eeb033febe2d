"""Texts that have no place in the repository: paths of one machine, addresses of package registries, private keys.

Run: `python -m tools.texts`. Looks at every file git knows or would take.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Written in pieces, so that this file does not find itself.
FORBIDDEN: dict[str, re.Pattern[str]] = {
    "a path of one machine": re.compile(
        r"/(?:home|Users)/[a-z][\w.-]*/|/" + r"work/(?:main|shared)\b|/tmp/[a-z]{1,2}/"
    ),
    "the address of a package registry": re.compile(
        r"(?:pypi\.|files\.python"
        + r"hosted\.|registry\.npm"
        + r"js\.|crates\.|deb\.debian\.|proxy\.golang\.|repo\d?\.maven\.)"
        r"(?:org|io|com)"
    ),
    "a private key": re.compile(r"-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE " + r"KEY-----"),
    "a link with a password": re.compile(r"\b[a-z]+://[^\s/:@{}<>\"'\\]+:[^\s/:@{}<>\"'\\]+@[a-z0-9]"),
    "a token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|eyJhbGciOi[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{40,})"
    ),
}
# Attacks that tests hand in are no secrets: `https://good@evil` forms are what the redirect rules refuse.
MAY_HOLD: dict[str, tuple[str, ...]] = {
    "a link with a password": ("tests/",),
    "a token": ("tests/vectors/", "tests/fuzz/corpus/"),
}


def files() -> Iterator[Path]:
    """What is committed or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return (ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def finds(name: str, text: str) -> Iterator[str]:
    """`file:line: what`, for each forbidden text in one file."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in FORBIDDEN.items():
            if pattern.search(line) and not name.startswith(MAY_HOLD.get(what, ("\0",))):
                yield f"{name}:{number}: {what}"


def main() -> int:
    """Exit code 1 when something was found; binary files are passed over."""
    found: list[str] = []
    for path in files():
        data = path.read_bytes()
        if b"\0" not in data:
            found += finds(str(path.relative_to(ROOT)), data.decode(errors="replace"))
    print("\n".join(found) if found else "nothing forbidden")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
