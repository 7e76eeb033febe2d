"""docs/exceptions.md: everything that may loosen a profile, from the table that the code uses."""

from grantline.parties import EXEMPTIONS, Exemption, Origin

HEAD = """# Exceptions

<!-- Made by `python -m tools.docs write` from src/grantline/parties/exemptions.py. -->

A profile tightens OAuth 2.1. What follows is all that may loosen one; each time a registration uses it, `grantline
apply` and `grantline check` say so.

| what | where it is set | profiles | who may | on condition that | said |
| --- | --- | --- | --- | --- | --- |
"""


WHO = {
    Origin.DECLARED: "the operator, in a declared registration",
    Origin.REGISTERED: "a client that registers itself, where that is allowed",
    Origin.DOCUMENT: "a client's own document",
}


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"| {' | '.join(_row(one))} |\n" for one in EXEMPTIONS)


def _row(one: Exemption) -> tuple[str, ...]:
    profiles = ", ".join(f"`{profile}`" for profile in one.profiles)
    who = "; ".join(WHO[origin] for origin in one.origins)
    return one.name, one.setting, profiles, who, one.condition, f"*CLIENT: {one.warning}*"
