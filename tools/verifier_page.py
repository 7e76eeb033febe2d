"""Puts the digests of its own script and style into the verifier's page: `python -m tools.verifier_page`.

The page's policy allows these two and nothing else, so a copy with another script in it does not run.
"""

import base64
import hashlib
import re
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "verifier" / "index.html"


def stamped(page: str) -> str:
    """The page with the policy that fits it."""
    for directive, tag in (("script-src", "script"), ("style-src", "style")):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        if inside is None:
            raise ValueError(f"the page has no {tag}")
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        page = re.sub(rf"{directive} '[^']*'", f"{directive} 'sha256-{digest}'", page, count=1)
    return page


def main() -> int:
    """Write the page anew; says whether anything changed."""
    before = PAGE.read_text()
    after = stamped(before)
    PAGE.write_text(after)
    print("in step" if before == after else "written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
