"""Open closures of this process: counted, committed, and only then told."""

import asyncio

from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.feed import Ack, Closure
from grantline.model.ports import Work
from grantline.signals.feed.counting import Count
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.feed.sessions import Roll, Session
from grantline.signals.feed.settings import FeedSettings
from grantline.signals.feed.tell import Teller
from grantline.signals.store import FeedLine, Transaction


class Closing:
    """All entries that are not drained yet. `holder`: the name under which this process keeps the feed."""

    def __init__(
        self,
        work: Work[Transaction],
        clock: Clock,
        *,
        teller: Teller,
        settings: FeedSettings,
        roll: Roll,
        holder: str,
    ) -> None:
        self._work = work
        self._holder = holder
        self._clock = clock
        self._teller = teller
        self._settings = settings
        self._roll = roll
        self._counts: dict[int, Count] = {}
        self._changed = asyncio.Event()
        self._settling = asyncio.Lock()
        self.incarnation = 0
        self.lease_ms = settings.lease_ms
        """The longest lease that may be in force: a shortened setting counts once the longer one has run out."""

    @property
    def fence_ns(self) -> int:
        """How long a wait lasts at most, with the longest lease in force."""
        return self._settings.fence_ns(self.lease_ms)

    def begin(self, line: FeedLine, *, committed_us: int, seen_us: int, seen_ns: int) -> None:
        """Count an entry. Its members are all who could hold a lease when this process saw the commit."""
        self._counts[line.entry.seq] = Count(
            line,
            self._roll.members(),
            commit_ns=seen_ns - (seen_us - committed_us) * 1_000,
            committed_us=committed_us,
            fence_ns=seen_ns + self.fence_ns,
            drain_ns=self._settings.drain_ns(),
        )

    def resume(self, closure: Closure, line: FeedLine, now_ns: int) -> None:
        """Wait on for a closure that was told before this start to be drained; the time counts anew."""
        passed_us = self._clock.wall_us() - closure.committed_us
        self._counts[closure.seq] = Count.closed_before(
            closure,
            line,
            commit_ns=now_ns - passed_us * 1_000,
            start_ns=now_ns + self.fence_ns,
            drain_ns=self._settings.drain_ns(),
        )

    def forget(self, base: int) -> None:
        """Stop counting what the feed no longer keeps: told as closed, never as drained."""
        for seq in [seq for seq, count in self._counts.items() if seq <= base and count.closed_us is not None]:
            del self._counts[seq]

    def get(self, seq: int) -> Count | None:
        """The count of an entry that is not drained yet."""
        return self._counts.get(seq)

    def hear(self, session: Session, ack: Ack) -> None:
        """Take an acknowledgement into every count. It speaks for former sessions unless its key was used twice."""
        alone = not self._roll.cloned(session.gateway)
        for count in self._counts.values():
            count.hear(session, ack, speaks_for_gone=alone)

    def due(self) -> bool:
        """Whether `settle` has something to commit. Cheap: asked after each acknowledgement."""
        now = self._clock.boot_ns()
        moved = [count.look(now) for count in self._counts.values()]
        if any(moved):
            self.pulse()
        return any(_ready(count) for count in self._counts.values())

    def deadlines(self) -> list[int]:
        """When time alone will end a wait (CLOCK_BOOTTIME)."""
        closing = [count.fence_ns for count in self._counts.values() if count.closed_us is None]
        draining = [count.drain_ns for count in self._counts.values() if count.drain_ns is not None]
        return closing + draining

    async def settle(self) -> None:
        """Commit what has closed or drained, with its events; then tell it. Raises `NotKeeper`."""
        async with self._settling:
            if not self.due():
                return
            now = self._clock.boot_ns()
            outcomes = [_outcome(count, now) for count in self._counts.values() if _ready(count)]
            await self._commit([closure for _, closure in outcomes], self._events(outcomes))
            for count, closure in outcomes:
                count.closed_us, count.drained_us = closure.closed_after_us, closure.drained_after_us
                if count.drained_us is not None:
                    self._counts.pop(count.seq, None)
        self.pulse()

    def pulse(self) -> None:
        """Wake whoever follows a closure."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Return when something was told after this call."""
        await self._changed.wait()

    async def _commit(self, closures: list[Closure], events: list[Event]) -> None:
        """All of it, in one transaction with the proof that this process still keeps the feed.

        Sessions that another keeper opened are in nobody's wait here; with the proof there can be none.
        """

        async def keep(tx: Transaction) -> bool:
            if not await tx.gateways.keeper.prove(self._holder):
                return False
            for closure in closures:
                await tx.gateways.closures.keep(self.incarnation, closure)
            for event in events:
                await tx.outbox.append(event)
            return True

        if not await self._work.write(keep, essential=True):
            raise NotKeeper("Another process keeps the feed.")

    def _events(self, outcomes: list[tuple[Count, Closure]]) -> list[Event]:
        events: list[Event] = []
        for count, closure in outcomes:
            if count.closed_us is None:
                events.append(self._teller.closure(EventType.CONSENT_CLOSED, closure, count.cause))
                events.extend(self._fences(count))
            if closure.drained_after_us is not None:
                events.append(self._teller.closure(EventType.CONSENT_DRAINED, closure, count.cause))
        return events

    def _fences(self, count: Count) -> list[Event]:
        """One event for each session that falls silent, not one for each entry it misses."""
        silent = [session for session in count.fenced if not session.fence_told]
        for session in silent:
            session.fence_told = True
        return [
            self._teller.gateway(EventType.GATEWAY_FENCED, "fence", one.gateway, session=one.session, seq=count.seq)
            for one in silent
        ]


def _ready(count: Count) -> bool:
    return count.empty if count.closed_us is not None else count.closable


def _outcome(count: Count, now_ns: int) -> tuple[Count, Closure]:
    """The closure as it will stand once committed. Told times end here: admission ended before."""
    passed = count.since_commit_us(now_ns)
    return count, count.ended(
        closed_us=passed if count.closed_us is None else count.closed_us, drained_us=passed if count.empty else None
    )
