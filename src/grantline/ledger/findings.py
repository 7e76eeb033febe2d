"""What must not happen and the ledger itself noticed goes into the record, as everybody else's findings do."""

import msgspec

from grantline.ledger.accounts import LEDGER
from grantline.ledger.gaps import own_event
from grantline.ledger.sequencer import Sequencer
from grantline.model.clock import Clock
from grantline.model.events import EventType, Sequenced, Submission
from grantline.model.ids import Randomness, opaque


class Findings:
    """Numbers the ledger's findings of one run."""

    def __init__(self, sequencer: Sequencer, clock: Clock, randomness: Randomness) -> None:
        self._sequencer, self._clock, self._randomness = sequencer, clock, randomness
        self._boot, self._told = opaque("b", randomness), 0

    async def tell(self, code: str, detail: dict[str, object]) -> None:
        """Raises `AuditUnavailable` if it cannot be recorded."""
        event = own_event(EventType.FINDING, "raise", detail, self._clock, self._randomness)
        told = msgspec.structs.replace(event, out="error", rsn=code)
        said = Sequenced(boot=self._boot, seq=self._told + 1, event=told)
        await self._sequencer.append(Submission(producer=LEDGER, events=(said,)))
        self._told += 1
