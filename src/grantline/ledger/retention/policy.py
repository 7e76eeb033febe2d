"""Classes and periods (AUDIT §5.6). What proves a consent is kept longer than what tells of a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grantline.ledger.keys import EVIDENCE
from grantline.ledger.settings import RetentionSettings
from grantline.model.errors import InvalidConfiguration

DAY_US = 86_400_000_000
CLASSES = ("standard", "evidence", "debug")


@dataclass(frozen=True, slots=True)
class Policy:
    """The periods in force."""

    settings: RetentionSettings

    def __post_init__(self) -> None:
        """Raises `InvalidConfiguration`."""
        longest = max(self.days(each) for each in CLASSES)
        if min(self.days(each) for each in CLASSES) < 1:
            raise InvalidConfiguration("ledger.retention: a period has at least one day.")
        if self.settings.entry_days < longest:
            raise InvalidConfiguration(
                f"ledger.retention.entry_days: details are kept for {longest} days, so entries need at least as many."
            )

    def days(self, kind: str) -> int:
        """The period of a class; one that nobody declared is `standard`."""
        known: dict[str, int] = {
            "evidence": self.settings.evidence_days, "debug": self.settings.debug_days,
        }  # fmt: skip
        return known.get(kind, self.settings.standard_days)

    def ended(self, kind: str, now_us: int) -> int:
        """Unix µs: everything of the class before it is over. Always the first moment of a month (UTC)."""
        return month_start(now_us - self.days(kind) * DAY_US)

    def entries_ended(self, now_us: int) -> int:
        """The same for whole entries."""
        return month_start(now_us - self.settings.entry_days * DAY_US)


def class_of(leaf: dict[str, Any]) -> str:
    """What proves a consent is `evidence`, whatever its producer says."""
    if leaf["type"] in EVIDENCE:
        return "evidence"
    told = leaf.get("ret")
    return told if told in CLASSES and told != "evidence" else "standard"


def month_start(us: int) -> int:
    """Unix µs of the first moment of the month (UTC)."""
    at = datetime.fromtimestamp(us / 1e6, UTC)
    return round(datetime(at.year, at.month, 1, tzinfo=UTC).timestamp()) * 1_000_000


def months(start_us: int, end_us: int) -> Iterator[tuple[str, int]]:
    """(`YYYY-MM`, unix µs of its end) of each month from that of `start_us` up to one that ends by `end_us`."""
    at = datetime.fromtimestamp(start_us / 1e6, UTC)
    year, month = at.year, at.month
    while True:
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        end = round(datetime(*following, 1, tzinfo=UTC).timestamp()) * 1_000_000
        if end > end_us:
            return
        yield f"{year:04d}-{month:02d}", end
        year, month = following
