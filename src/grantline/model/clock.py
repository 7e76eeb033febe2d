"""Two clocks: one that agrees with the world, one that never stands still while this machine runs or sleeps."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Handed to whatever needs time, so that tests own it."""

    def wall_us(self) -> int:
        """Unix time in microseconds (UTC). May step; used in records and for `exp`, never for leases."""
        ...

    def boot_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds: counts suspend, never steps. Leases and fences are counted on it."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall_us(self) -> int:
        """Unix time in microseconds."""
        return time.time_ns() // 1_000

    def boot_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def iso(us: int) -> str:
    """Unix µs as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
