"""How full the ledger's disk is: a warning goes into the record while there is room, and nothing is taken at the end.

A disk that is really full leaves no room for what makes room: compaction, erasure, a withdrawal's own transaction.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from grantline.ledger.settings import Settings
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable

LOOK_NS = 1_000_000_000
WATCH_S = 10.0
_MIB = 1024 * 1024
_log = structlog.get_logger(__name__)
Tell = Callable[[str, dict[str, object]], Awaitable[None]]


class Space(NamedTuple):
    """Bytes that an unprivileged process may still write, and the file system's size."""

    free: int
    total: int


def space_at(directory: Path) -> Space:
    """Raises `OSError`."""
    found = os.statvfs(directory)
    return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


class Room:
    """Of one directory, looked at once a second at most. What cannot be looked at counts as full."""

    def __init__(
        self, directory: Path, settings: Settings, clock: Clock, space: Callable[[Path], Space] = space_at
    ) -> None:
        self._directory, self._settings, self._clock, self._space = directory, settings, clock, space
        self._looked_ns: int | None = None
        self._last = Space(0, 0)

    def require(self) -> None:
        """Raises `AuditUnavailable` below the lower mark."""
        now = self._clock.boot_ns()
        if self._looked_ns is None or now - self._looked_ns >= LOOK_NS:
            self._look()
            self._looked_ns = now
        if self._last.free < self._mark(self._settings.disk_refuse_percent, parts=4):
            raise AuditUnavailable(
                "The ledger's disk is nearly full.",
                detail=f"{self._last.free // _MIB} MiB are free at {self._directory}",
            )

    @property
    def low(self) -> bool:
        """True below the upper mark."""
        self._look()
        return self._last.free < self._mark(self._settings.disk_warn_percent, parts=1)

    async def keep_watching(self, tell: Tell, every_s: float = WATCH_S) -> None:
        """Until cancelled: each time the room gets low, the record says so once."""
        told = False
        while True:
            low = self.low
            if low and not told:
                told = await self._told(tell)
            elif not low:
                told = False
            await asyncio.sleep(every_s)

    async def _told(self, tell: Tell) -> bool:
        _log.warning("ledger_disk_low", free=self._last.free, total=self._last.total)
        try:
            await tell("disk_low", {"free": self._last.free, "total": self._last.total})
        except AuditUnavailable:
            return False
        return True

    def _look(self) -> None:
        try:
            self._last = self._space(self._directory)
        except OSError as error:
            _log.error("ledger_disk_unreadable", error=repr(error))
            self._last = Space(-1, 0)

    def _mark(self, percent: int, *, parts: int) -> int:
        """A share of the disk; of a large one no more than the part of `disk_enough_mib` that goes with it."""
        return min(self._last.total * percent // 100, self._settings.disk_enough_mib * _MIB // parts)
