"""A hole in a producer's sequence is refused first; when it stands, it is put on record and passed.

So are numbers that a producer spent on events that were known already: every number has a leaf or its explanation.
"""

from grantline.ledger.accounts import LEDGER, ranges
from grantline.ledger.placing import Gap
from grantline.ledger.store import Stream
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType, Sequenced, Submission
from grantline.model.ids import Randomness, event_id, opaque

PATIENCE_NS = 30_000_000_000


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
        return self._own(EventType.LOG_GAP, "skip", gap.stream, cursors, expected=gap.expected, found=gap.found)

    def repeated(self, stream: Stream, numbers: list[int], cursors: dict[Stream, int]) -> Submission:
        """The entry that tells which numbers of a stream have no leaf because their events had one before."""
        return self._own(EventType.LOG_REPEATED, "repeat", stream, cursors, numbers=ranges(numbers))

    def _own(self, kind: EventType, act: str, stream: Stream, cursors: dict[Stream, int], **more: object) -> Submission:
        detail: dict[str, object] = {"producer": stream[0], "boot": stream[1], **more}
        event = own_event(kind, act, detail, self._clock, self._randomness)
        seq = cursors.get((LEDGER, self._boot), 0) + 1
        return Submission(producer=LEDGER, events=(Sequenced(boot=self._boot, seq=seq, event=event),))
