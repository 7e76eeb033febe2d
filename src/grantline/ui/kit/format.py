"""Dates, lengths and counts as they are read. No-break spaces keep a number with its unit."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from grantline.model.text import counted

NBSP = "\u00a0"
THIN = "\u202f"
DAY_S = 86_400
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class When:
    """A time as it is read, and in UTC for `<time datetime>`."""

    text: str
    iso: str


class Formats:
    """Times in one zone, seen from one now (unix µs)."""

    def __init__(self, zone: tzinfo, now_us: int) -> None:
        self.zone = zone
        self.now_us = now_us

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.now_us // 1_000_000

    def noon(self) -> int:
        """Unix seconds of the reader's noon today."""
        return int(self._at(self.now).replace(hour=12, minute=0, second=0).timestamp())

    def offset(self, seconds: int) -> int:
        """Seconds by which the reader's clock is ahead of UTC at that moment."""
        ahead = self._at(seconds).utcoffset()
        return 0 if ahead is None else int(ahead.total_seconds())

    def day(self, seconds: float) -> When:
        """`14 Nov 2026`."""
        at = self._at(seconds)
        return When(f"{at.day}{NBSP}{MONTHS[at.month - 1]}{NBSP}{at.year}", _iso(at))

    def day_or_today(self, seconds: float) -> When:
        """`Today` or the day."""
        return When("Today", _iso(self._at(seconds))) if self.is_today(seconds) else self.day(seconds)

    def moment(self, us: int) -> When:
        """`Today, 13:58`, or the day alone when it is another."""
        seconds = us / 1_000_000
        if not self.is_today(seconds):
            return self.day(seconds)
        at = self._at(seconds)
        return When(f"Today,{NBSP}{at:%H:%M}", _iso(at))

    def second(self, us: int) -> When:
        """`13:58:07`."""
        at = self._at(us / 1_000_000)
        return When(f"{at:%H:%M:%S}", _iso(at))

    def proof(self, us: int) -> When:
        """`14:06:31.208 CET`: to the millisecond, cut and not rounded, with its zone."""
        at = self._exact(us)
        return When(f"{at:%H:%M:%S}.{us // 1_000 % 1_000:03d}{NBSP}{at:%Z}", _iso(at))

    def stamp(self, us: int) -> When:
        """`14 Nov 2026, 14:06 CET`."""
        at = self._exact(us)
        return When(f"{self.day(us / 1_000_000).text},{NBSP}{at:%H:%M}{NBSP}{at:%Z}", _iso(at))

    def short_day(self, seconds: float) -> str:
        """`17 Aug`, for axes."""
        at = self._at(seconds)
        return f"{at.day}{NBSP}{MONTHS[at.month - 1]}"

    def is_today(self, seconds: float) -> bool:
        """Whether it falls on the reader's today."""
        return self._at(seconds).date() == self._at(self.now_us / 1_000_000).date()

    def date_key(self, us: int) -> str:
        """`2026-11-14` in the reader's zone, to group by."""
        return self._exact(us).date().isoformat()

    def _at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)

    def _exact(self, us: int) -> datetime:
        return datetime.fromtimestamp(us // 1_000_000, self.zone).replace(microsecond=us % 1_000_000)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(us: int) -> str:
    """`0.4 ms`, `41 ms`, `2.1 s`, `12 minutes`, `73 days`."""
    milliseconds = us / 1_000
    if milliseconds < 1:
        return f"{milliseconds:.1f}{NBSP}ms"
    if round(milliseconds) < 1_000:
        return f"{round(milliseconds)}{NBSP}ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1_000:.1f}{NBSP}s"
    if milliseconds < 7_200_000:
        return counted(round(milliseconds / 60_000), "minute", "minutes")
    return counted(round(milliseconds / 86_400_000), "day", "days")


def length(days: int) -> str:
    """`1 day`, `90 days`, `12 months`."""
    return f"12{NBSP}months" if days == 365 else counted(days, "day", "days")


def count(number: int) -> str:
    """`1,234`."""
    return f"{number:,}"


def entry_number(index: int) -> str:
    """`184 203` with narrow no-break spaces."""
    return f"{index:,}".replace(",", THIN)
