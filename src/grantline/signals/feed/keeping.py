"""Drives the feed as time goes on: pushes at once, beats by the clock, settles when something came out of a wait."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.feed.settings import FeedSettings

_log = logging.getLogger(__name__)
PRUNE_EVERY_S = 30.0


class Keeping:
    """The loops of one authority process. `run` ends with `NotKeeper` when another process took the feed over."""

    def __init__(self, feed: Feed, clock: Clock, settings: FeedSettings) -> None:
        self._feed = feed
        self._clock = clock
        self._settings = settings
        self._new = asyncio.Event()
        self._due = asyncio.Event()

    def wake(self) -> None:
        """A commit with feed entries returned: push now. Called on the loop that runs `run`."""
        self._feed.wake()
        self._new.set()

    def settle(self) -> None:
        """Something can be closed or drained: commit it now."""
        self._due.set()

    async def run(self) -> None:
        """Until cancelled or deposed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._push())
            tasks.create_task(self._beat())
            tasks.create_task(self._settle())
            tasks.create_task(self._prune())

    async def _push(self) -> None:
        while True:
            await _first(self._new, self._settings.poll_ms / 1_000)
            self._new.clear()
            await _survive(self._feed.push)
            # An entry that nobody has to acknowledge can be closed at once.
            if self._feed.closing.due():
                self._due.set()

    async def _beat(self) -> None:
        interval = self._settings.beat_ms / 1_000
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await _survive(self._feed.beat)
            due = max(due + interval, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _settle(self) -> None:
        while True:
            await _survive(self._feed.settle)
            await _first(self._due, self._until_deadline())
            self._due.clear()

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            await _survive(self._feed.prune)

    def _until_deadline(self) -> float:
        """Seconds until time alone ends the next wait, at most one beat."""
        now = self._clock.boot_ns()
        ahead = [deadline - now for deadline in self._feed.closing.deadlines() if deadline > now]
        return min([self._settings.beat_ms / 1_000, *(nanoseconds / 1e9 + 0.001 for nanoseconds in ahead)])


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or after so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _survive(step: Callable[[], Awaitable[None]]) -> None:
    """What fails for a while stops beats, so gateways deny; it must not stop us from trying again."""
    try:
        await step()
    except NotKeeper:
        raise
    except AuditUnavailable as error:
        _log.warning("feed: %s (%s)", error.message, error.detail)
    except Exception:
        _log.exception("feed: a step failed")
