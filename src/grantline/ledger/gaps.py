"""A hole in a producer's sequence is refused first; when it stands, it is put on record and passed."""

from grantline.ledger.placing import Gap
from grantline.ledger.store import Stream
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType, Sequenced, Submission
from grantline.model.ids import Randomness, event_id, opaque

PATIENCE_NS = 30_000_000_000
LEDGER = "ledger"
"""The ledger's own name as a producer."""


def own_event(kind: EventType, act: str, detail: dict[str, object], clock: Clock, randomness: Randomness) -> Event:
    """Something the ledger itself has to tell."""
    t = clock.wall_us()
    return Event(event_id=event_id(randomness, t), type=kind, t=t, act=act, res="log", out="permit", detail=detail)


LATE_US = 1_000_000
"""Within this time every event is promised to be in the tree. An outage that lasts longer is recorded."""


def outage_event(since: int, clock: Clock, randomness: Randomness, **more: object) -> Event:
    """The ledger took nothing from `since` (unix µs) until now."""
    detail = {"since": since, "until": clock.wall_us(), **more}
    return own_event(EventType.LOG_GAP, "wait", detail, clock, randomness)


class Gaps:
    """Remembers since when each hole stands."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self._boot = opaque("b", randomness)
        self._since: dict[tuple[Stream, int], int] = {}

    def record(self, gap: Gap, cursors: dict[Stream, int]) -> Submission | None:
        """The entry that tells of a hole; None while the producer still has time to fill it."""
        now = self._clock.boot_ns()
        if now - self._since.setdefault((gap.stream, gap.expected), now) < PATIENCE_NS:
            return None
        producer, boot = gap.stream
        detail: dict[str, object] = {"producer": producer, "boot": boot, "expected": gap.expected, "found": gap.found}
        event = own_event(EventType.LOG_GAP, "skip", detail, self._clock, self._randomness)
        seq = cursors.get((LEDGER, self._boot), 0) + 1
        return Submission(producer=LEDGER, events=(Sequenced(boot=self._boot, seq=seq, event=event),))
