"""Which of several authority processes leads: keeps the feed, brings the record to the ledger, sweeps.

Any number may serve over one database; whoever holds one lock leads. What the others would do twice is safe by itself
(the feed by the keeper's row, the record by each event's id): the lock is there so that they do not get in each
other's way. A leader that may have lost it stops at once, and another begins within a second or two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from grantline.app.database import choose
from grantline.app.places import Places
from grantline.app.web import Task
from grantline.model.errors import AuditUnavailable
from grantline.signals import NotKeeper
from grantline.storage.settings import StorageSettings
from grantline.storage.sqlite.leading import FileLock

AGAIN_S = 0.5
_log = structlog.get_logger("grantline.app")


class Lock(Protocol):
    """Held by one process at a time."""

    async def take(self) -> bool:
        """At once; False if this process cannot have it now."""
        ...

    async def lost(self) -> None:
        """Return when this process may no longer hold it."""
        ...

    async def release(self) -> None:
        """Let another process take over."""
        ...


def leader_lock(data: Path, storage: StorageSettings | None) -> Lock:
    """Where the state is: in the data directory, or in the database that all processes share."""
    chosen = choose(data, storage)
    if chosen.url is None:
        return FileLock(Places(data).leader_lock)
    from grantline.storage.postgres.connection import Address
    from grantline.storage.postgres.leading import AdvisoryLock

    return AdvisoryLock(Address(chosen.url, chosen.password_file))


class Leading:
    """`begin` before and `end` at once after `tasks`, which run while this process leads; `meanwhile` while not."""

    def __init__(
        self,
        lock: Lock,
        *,
        begin: Callable[[], Awaitable[None]],
        tasks: Sequence[Task],
        end: Callable[[], None],
        meanwhile: Task,
    ) -> None:
        self._lock = lock
        self._begin = begin
        self._tasks = tasks
        self._end = end
        self._meanwhile = meanwhile
        self._leads = False

    async def start(self) -> None:
        """Lead from the first request on, if nobody else does."""
        if not await self._lock.take():
            return
        try:
            await self._begin()
        except BaseException:
            await self._lock.release()
            raise
        self._leads = True

    async def run(self) -> None:
        """Until cancelled. Raises what one of the tasks raised."""
        while True:
            if not self._leads:
                await self._wait()
            try:
                await self._lead()
            finally:
                await self.close()
            _log.warning("leads_no_more")

    async def close(self) -> None:
        """Let another process take over."""
        self._leads = False
        self._end()
        await self._lock.release()

    async def _wait(self) -> None:
        """Until this process leads."""
        meanwhile = asyncio.ensure_future(self._meanwhile())
        try:
            while not self._leads:
                await asyncio.sleep(AGAIN_S)
                try:
                    await self.start()
                except AuditUnavailable as error:
                    _log.warning("cannot_lead_yet", detail=error.detail)
        finally:
            meanwhile.cancel()
            await asyncio.gather(meanwhile, return_exceptions=True)
        _log.info("leads")

    async def _lead(self) -> None:
        """Until the lock is lost or a task ends; nothing of them runs when this returns."""
        lost = asyncio.ensure_future(self._lock.lost())
        tasks = [asyncio.ensure_future(task()) for task in self._tasks]
        try:
            await asyncio.wait([lost, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._end()
            for task in (lost, *tasks):
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not _took_over(outcome):
                raise outcome


def _took_over(error: Exception) -> bool:
    """True if all it says is that another process keeps the feed, or that the feed began anew: stand in line again."""
    if isinstance(error, ExceptionGroup):
        return error.split(NotKeeper)[1] is None
    return isinstance(error, NotKeeper)
