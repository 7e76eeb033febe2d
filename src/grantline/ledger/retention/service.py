"""Retention of a running ledger: once an hour what is over goes; an operator puts holds and lifts them."""

import asyncio
from collections.abc import Callable

import structlog

from grantline.crypto.note import Checkpoint
from grantline.ledger.findings import OwnStream
from grantline.ledger.keys import PersonKeys
from grantline.ledger.published import Published
from grantline.ledger.retention.holds import Hold, HoldOrder, Holds, LiftOrder
from grantline.ledger.retention.policy import Policy
from grantline.ledger.retention.port import Purge, RetentionStore
from grantline.ledger.retention.pruning import Pruning
from grantline.ledger.retention.purging import Purging
from grantline.ledger.sequencer import Sequencer
from grantline.ledger.store import Stores
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable, InvalidRequest, NotFound
from grantline.model.events import EventType
from grantline.model.ids import Randomness, opaque

LOOK_S = 3_600.0
MOST_TEXT = 500
_log = structlog.get_logger(__name__)


class Retention:
    """`busy` keeps two runs from meeting."""

    def __init__(
        self, purging: Purging, pruning: Pruning, store: RetentionStore, sequencer: Sequencer, *,
        holds: Holds, keys: PersonKeys, published: Published, stream: OwnStream, clock: Clock, randomness: Randomness,
    ) -> None:  # fmt: skip
        self._purging, self._pruning, self._store, self._sequencer = purging, pruning, store, sequencer
        self._holds, self._keys, self._published, self._stream = holds, keys, published, stream
        self._clock, self._randomness = clock, randomness
        self._busy = asyncio.Lock()

    async def finish(self) -> None:
        """After a start: what a crash left undone."""
        await self._purging.finish()
        await self._pruning.finish()

    async def keep_retaining(self, every_s: float = LOOK_S) -> None:
        """Until cancelled. What cannot be written now is tried again."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.purge()
            except AuditUnavailable as error:
                _log.warning("ledger_retention_waits", detail=error.detail or error.message)

    async def purge(self) -> tuple[Purge, ...]:
        """Details whose period is over, then entries whose period is over. Raises `AuditUnavailable`."""
        async with self._busy:
            done = await self._purging.purge(self._published.minimum())
            await self._pruning.prune()
            return done

    async def hold(self, order: HoldOrder) -> Hold:
        """Counts from now on. Raises `NotFound` for a person that the record does not know, or `AuditUnavailable`."""
        _require_told(order.by, order.reason)
        if order.person is not None and not self._keys.of_person(order.person):
            raise NotFound("The record holds nothing that is about this person.", detail=order.person)
        at = self._clock.wall_us()
        hold = Hold(
            id=opaque("h", self._randomness), at=at, by=order.by, reason=order.reason, person=order.person
        )  # fmt: skip
        await self._sequencer.between(lambda: self._holds.put(hold))
        await self._tell(EventType.LEDGER_HELD, "hold", hold, order.by, order.reason)
        return hold

    async def lift(self, order: LiftOrder) -> Hold:
        """What was kept back goes with the next run, if its period is over."""
        _require_told(order.by, order.reason)
        at = self._clock.wall_us()
        async with self._busy:  # A run that goes on would note as done what it kept back.
            await self._sequencer.between(lambda: self._holds.lift(order, at))
            await self._sequencer.between(self._store.begin_again)
        (hold,) = (each for each in self._holds.all() if each.id == order.hold)
        await self._tell(EventType.LEDGER_HOLD_LIFTED, "lift", hold, order.by, order.reason)
        return hold

    async def holds(self) -> tuple[Hold, ...]:
        """All of them, lifted ones too."""
        return self._holds.all()

    async def _tell(self, kind: EventType, act: str, hold: Hold, by: str, reason: str) -> None:
        about = {} if hold.person is None else {"person": hold.person}
        await self._stream.tell(kind, act, {"hold": hold.id, "by": by, "reason": reason}, **about)


def _require_told(by: str, reason: str) -> None:
    if not (0 < len(by) <= MOST_TEXT and 0 < len(reason) <= MOST_TEXT):
        raise InvalidRequest(f"Say who and why, in at most {MOST_TEXT} characters.")


def open_retention(
    sequencer: Sequencer, stores: Stores, keys: PersonKeys, published: Published, *,
    last: Callable[[], Checkpoint | None], policy: Policy, holds: Holds, stream: OwnStream, clock: Clock,
    randomness: Randomness,
) -> Retention:  # fmt: skip
    """Of a ledger that was recovered. `stores`: the writer's own."""
    purging = Purging(
        sequencer, stores.entries, stores.retention, keys, holds=holds, policy=policy, stream=stream, clock=clock,
        randomness=randomness,
    )  # fmt: skip
    pruning = Pruning(
        sequencer, stores.entries, stores.retention, published, last=last, holds=holds, policy=policy, stream=stream,
        clock=clock,
    )  # fmt: skip
    return Retention(
        purging, pruning, stores.retention, sequencer, holds=holds, keys=keys, published=published, stream=stream,
        clock=clock, randomness=randomness,
    )  # fmt: skip
