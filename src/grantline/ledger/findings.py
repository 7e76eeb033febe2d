"""What the ledger itself has to tell goes into the record, as everybody else's events do, numbered without gaps."""

import asyncio

import msgspec

from grantline.ledger.accounts import LEDGER
from grantline.ledger.gaps import own_event
from grantline.ledger.sequencer import Sequencer
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import EventType, Sequenced, Submission
from grantline.model.ids import Randomness, opaque


class OwnStream:
    """The ledger as a producer: one event at a time. After one that failed nobody knows whether it stands, so numbers
    begin anew.
    """

    def __init__(self, sequencer: Sequencer, clock: Clock, randomness: Randomness) -> None:
        self._sequencer, self._clock, self._randomness = sequencer, clock, randomness
        self._turn = asyncio.Lock()
        self._begin()

    async def tell(self, kind: EventType, act: str, detail: dict[str, object], **members: object) -> None:
        """`members`: of the event besides. Raises `AuditUnavailable` if it cannot be recorded."""
        event = own_event(kind, act, detail, self._clock, self._randomness)
        event = msgspec.structs.replace(event, **members)
        async with self._turn:
            said = Sequenced(boot=self._boot, seq=self._told + 1, event=event)
            try:
                await self._sequencer.append(Submission(producer=LEDGER, events=(said,)))
            except AuditUnavailable:
                self._begin()
                raise
            self._told += 1

    def _begin(self) -> None:
        self._boot, self._told = opaque("b", self._randomness), 0


class Findings:
    """What must not happen and the ledger itself noticed."""

    def __init__(self, stream: OwnStream) -> None:
        self._stream = stream

    async def tell(self, code: str, detail: dict[str, object]) -> None:
        """Raises `AuditUnavailable` if it cannot be recorded."""
        await self._stream.tell(EventType.FINDING, "raise", detail, out="error", rsn=code)
