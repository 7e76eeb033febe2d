"""How long an answer may be kept: as its headers say, but within our own bounds (RFC 9111 §4.2, §5.2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds. `least` guards the other server from us and us from `no-store`; `most` bounds what is out of date."""

    least: int
    most: int
    unsaid: int


def fresh_for(headers: Mapping[str, str], bounds: Bounds) -> int:
    """Seconds for which the answer counts as fresh. `headers`: lower-case names."""
    said = _said(headers)
    return bounds.unsaid if said is None else min(max(said, bounds.least), bounds.most)


def _said(headers: Mapping[str, str]) -> int | None:
    """What the server said, its `Age` taken off; 0 for what it does not want kept; None if it said nothing."""
    directives = dict(_directives(headers.get("cache-control", "")))
    if directives.keys() & {"no-store", "no-cache", "private"}:
        return 0
    age = _seconds(headers.get("age")) or 0
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return (_seconds(directives[name]) or 0) - age
    return _until_expiry(headers, age)


def _until_expiry(headers: Mapping[str, str], age: int) -> int | None:
    if "expires" not in headers:
        return None
    try:
        end, start = (parsedate_to_datetime(headers[name]).timestamp() for name in ("expires", "date"))
    except (KeyError, ValueError):
        return 0
    return int(end - start) - age


def _directives(text: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in text.split(","))
    return [(name.strip().lower(), value.strip().strip('"')) for name, _, value in pairs]


def _seconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
