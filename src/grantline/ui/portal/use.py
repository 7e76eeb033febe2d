"""What a connection did in the last 90 days, counted over its ledger entries when the page is shown."""

from collections import Counter
from dataclasses import dataclass, field

from grantline.ledger.reading import Access, LedgerReader
from grantline.model.ids import ConsentId
from grantline.ui.kit import Formats
from grantline.ui.kit.format import DAY_S

WINDOW_DAYS = 90
PAGE = 1_000
MOST_PAGES = 20


@dataclass(slots=True)
class Use:
    """Counts by day of the reader's calendar (`2026-11-14`), and by (kind of data, field id) of allowed calls.

    `last`: unix µs of the newest such call. `complete`: False when there were more entries than are counted here.
    """

    allowed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    fields: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], int] = field(default_factory=dict)
    complete: bool = True

    def add(self, access: Access, day: str) -> None:
        """Count one entry."""
        if access.decision != "permit":
            self.refused[day] += 1
            return
        self.allowed[day] += 1
        for name in access.fields:
            key = access.datatype, name
            self.fields[key] += 1
            self.last[key] = max(self.last.get(key, 0), access.t)


async def recent_use(record: LedgerReader, consent: ConsentId, formats: Formats) -> Use:
    """Newest entries first, page by page, back to the first day of the window."""
    use, before, days = Use(), None, frozenset(window(formats))
    for _ in range(MOST_PAGES):
        page = await record.accesses(consent, limit=PAGE, before=before)
        found = [(access, day) for access in page if (day := formats.date_key(access.t)) in days]
        for access, day in found:
            use.add(access, day)
        if len(page) < PAGE or not found:
            return use
        before = page[-1].index
    use.complete = False
    return use


def window(formats: Formats) -> list[str]:
    """The calendar days of the window, oldest first. From noon to noon: no day of a clock change is skipped."""
    noon = formats.noon()
    return [formats.date_key((noon - days * DAY_S) * 1_000_000) for days in range(WINDOW_DAYS - 1, -1, -1)]
