"""What a connection did in the last 90 days, as the ledger counts it over its entries."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from grantline.ledger.reading import LedgerReader
from grantline.model.ids import ConsentId
from grantline.ui.kit import Formats
from grantline.ui.kit.format import DAY_S

WINDOW_DAYS = 90
_STEP_S = 900
"""Clocks change on a quarter of an hour of UTC, wherever they do."""


@dataclass(frozen=True, slots=True)
class Use:
    """Counts by day of the reader's calendar (`2026-11-14`).

    `fields`: (kind of data, field id) → (allowed calls that carried it, unix µs of the newest).
    """

    allowed: Counter[str]
    refused: Counter[str]
    fields: Mapping[tuple[str, str], tuple[int, int]]


async def recent_use(record: LedgerReader, consent: ConsentId, formats: Formats) -> Use:
    """Counted from the first midnight of the window, by the reader's own days also where the clock changes."""
    start = _midnight(window(formats)[0], formats)
    allowed: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for since, until, offset in stretches(start, formats):
        ends = None if until is None else until * 1_000_000
        for use in await record.days(consent, since_us=since * 1_000_000, offset_s=offset, until_us=ends):
            allowed[use.day] += use.allowed
            refused[use.day] += use.refused
    return Use(allowed, refused, await record.fields(consent, since_us=start * 1_000_000))


def stretches(start: int, formats: Formats) -> Iterator[tuple[int, int | None, int]]:
    """From unix second `start` on: (first second, second after the last or None, offset from UTC), clock by clock."""
    edges = [start]
    for before, after in pairwise(range(start, formats.now + 2 * DAY_S, DAY_S)):
        if formats.offset(before) != formats.offset(after):
            steps = range(before, after + 1, _STEP_S)
            edges.append(next(at for at in steps if formats.offset(at) != formats.offset(before)))
    for since, until in zip(edges, [*edges[1:], None], strict=True):
        yield since, until, formats.offset(since)


def window(formats: Formats) -> list[str]:
    """The calendar days of the window, oldest first. From noon to noon: no day of a clock change is skipped."""
    noon = formats.noon()
    return [formats.date_key((noon - days * DAY_S) * 1_000_000) for days in range(WINDOW_DAYS - 1, -1, -1)]


def _midnight(day: str, formats: Formats) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=formats.zone).timestamp())
