"""Brings state changes from the outbox to the ledger, in order, each once, within a second of their commit.

An event leaves the outbox only after the ledger has it durably; if the answer gets lost it is sent again and known by
its id. Numbers start at 1 with each start of the relay, as for any producer. A ledger that took nothing for longer than
a second is told of as a gap once it does again.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Protocol

import structlog

from grantline.ledger.client import Missing
from grantline.ledger.gaps import LATE_US, outage_event, own_event
from grantline.ledger.set_aside import SetAside, submit_around
from grantline.ledger.store import RelayTransaction
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable, GrantlineError
from grantline.model.events import MOST_SUBMITTED, Accepted, Event, EventType, Sequenced, Submission
from grantline.model.ids import Randomness, opaque
from grantline.model.ports import Work

BATCH = MOST_SUBMITTED
GATHER_S = 0.1
"""Between batches that are not full: what is committed meanwhile goes together, and is in the tree within a second."""
BEAT_S = 10.0
"""Between two heartbeats, while something is brought."""
_log = structlog.get_logger(__name__)


class Submitting(Protocol):
    """Where submissions go: the ledger's client."""

    producer: str

    async def submit(self, submission: Submission) -> Accepted:
        """Durable when it returns."""
        ...


class Relay:
    """One at a time over a database. `wake` after a commit; without it the outbox is looked at every `look_every_s`."""

    def __init__(
        self, work: Work[RelayTransaction], ledger: Submitting, randomness: Randomness, *,
        clock: Clock, aside: SetAside, look_every_s: float = 0.25,
        beat_every_s: float = BEAT_S,
    ) -> None:  # fmt: skip
        self._work = work
        self._ledger = ledger
        self._clock = clock
        self._randomness = randomness
        self._aside = aside
        self._stuck_since: int | None = None
        self._boot = opaque("b", randomness)
        self._look_every_s = look_every_s
        self._beat_every_ns = round(beat_every_s * 1e9)
        self._awake = asyncio.Event()
        self._sent = 0
        self._counts: Counter[str] = Counter()
        self._counted = 0
        self._count_at_ns = clock.boot_ns() + self._beat_every_ns

    def wake(self) -> None:
        """Something was committed. Call it on the relay's own loop."""
        self._awake.set()

    @property
    def stuck_us(self) -> int:
        """For how long the ledger has taken nothing although something waits; 0 while it does."""
        return 0 if self._stuck_since is None else max(0, self._clock.wall_us() - self._stuck_since)

    async def run(self) -> None:
        """Until cancelled. A ledger that does not answer is asked again; nothing is dropped."""
        # A relay that runs again may follow another process's: its numbers begin anew.
        self._boot, self._sent = opaque("b", self._randomness), 0
        self._counts, self._counted = Counter(), 0
        while True:
            self._awake.clear()
            try:
                await self._count()
                if brought := await self.bring():
                    if brought < BATCH:
                        await asyncio.sleep(GATHER_S)
                    continue
            except AuditUnavailable as error:
                _log.warning("relay_waits", error=str(error), detail=error.detail)
            except GrantlineError as error:
                _log.error("relay_refused", error=str(error), detail=error.detail)
            try:
                await asyncio.wait_for(self._awake.wait(), self._look_every_s)
            except TimeoutError:
                continue

    async def watch(self) -> None:
        """Until cancelled: notice whether another process brings them. `stuck_us` tells if nobody does."""
        before: int | None = None
        try:
            while True:
                with suppress(AuditUnavailable):
                    waiting = await self._work.read(_first)
                    if waiting is None or waiting != before:
                        self._stuck_since = None
                    else:
                        self._stuck_since = self._stuck_since or self._clock.wall_us()
                    before = waiting
                await asyncio.sleep(self._look_every_s)
        finally:
            self._stuck_since = None

    async def bring(self) -> int:
        """Bring what waits now, at most `BATCH`; how many events that was."""
        waiting = await self._work.read(_oldest)
        if not waiting:
            return 0
        events = tuple(
            Sequenced(boot=self._boot, seq=self._sent + at, event=event) for at, (_, event) in enumerate(waiting, 1)
        )
        submission = Submission(producer=self._ledger.producer, events=events)
        try:
            await submit_around(self._ledger.submit, submission, self._aside)
        except Missing as gap:
            # An earlier answer got lost, or the ledger was restored: what it has not got is in the outbox still.
            self._sent = gap.expected - 1
            return len(waiting)
        except GrantlineError:
            self._stuck_since = self._stuck_since or self._clock.wall_us()
            raise
        self._sent += len(waiting)
        self._counts.update(event.type for _, event in waiting)
        await self._forget(waiting[-1][0])
        return len(waiting)

    async def _count(self) -> None:
        """Now and then put a heartbeat behind what is brought: how much this run brought so far, by type."""
        now = self._clock.boot_ns()
        if now < self._count_at_ns or self._sent <= self._counted:
            return
        detail: dict[str, object] = {"boot": self._boot, "last": self._sent, "counts": dict(self._counts)}
        beat = own_event(EventType.HEARTBEAT, "beat", detail, self._clock, self._randomness)
        await self._work.write(lambda tx: tx.outbox.append(beat))
        # The heartbeat is an event itself, and no reason for another.
        self._counted, self._count_at_ns = self._sent + 1, now + self._beat_every_ns

    async def _forget(self, upto: int) -> None:
        """The ledger has these. Essential: what makes room must not wait for room."""
        gap = self._gap()

        async def forget(tx: RelayTransaction) -> None:
            await tx.outgoing.forget(upto)
            if gap is not None:
                await tx.outbox.append(gap)

        await self._work.write(forget, essential=True)
        self._stuck_since = None

    def _gap(self) -> Event | None:
        """What tells of the outage that is over now, if it was one."""
        if self._stuck_since is None or self.stuck_us <= LATE_US:
            return None
        return outage_event(self._stuck_since, self._clock, self._randomness)


async def _oldest(tx: RelayTransaction) -> tuple[tuple[int, Event], ...]:
    return await tx.outgoing.waiting(BATCH)


async def _first(tx: RelayTransaction) -> int | None:
    waiting = await tx.outgoing.waiting(1)
    return waiting[0][0] if waiting else None
