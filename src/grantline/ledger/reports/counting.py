"""What every report is made of: entries of a period under one checkpoint, and counts that single nobody out."""

import base64
from collections.abc import Iterator

import msgspec

from grantline.ledger.formats.reading import records
from grantline.ledger.formats.record import Record
from grantline.ledger.published import Published
from grantline.model.errors import NotFound

FEWEST = 5
"""Fewer people than these are not told apart: `fewer than 5`."""


class Under(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint under which every entry that was counted stands."""

    origin: str
    size: int
    root: str


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Producers' times, unix µs: from `since` on, before `until`."""

    since: int
    until: int


def under(published: Published) -> Under:
    """Raises `NotFound` before the first checkpoint."""
    last = published.last()
    if last is None:
        raise NotFound("There is no checkpoint yet; start the ledger once.")
    return Under(origin=last.origin, size=last.size, root=base64.b64encode(last.root).decode())


def within(published: Published, period: Period) -> Iterator[Record]:
    """Entries of this period, in order."""
    return (each for each in records(published, 0) if period.since <= each.leaf["t"] < period.until)


def people(count: int) -> str:
    """A number of people, unless it is so small that it points at somebody."""
    return str(count) if count >= FEWEST or count == 0 else f"fewer than {FEWEST}"
