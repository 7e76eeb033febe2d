"""Where a submission's events go: each stream is gap-free, and the same event is never taken twice."""

from dataclasses import dataclass, field
from typing import NamedTuple

from grantline.ledger.entry import Place
from grantline.ledger.store import Stream
from grantline.model.errors import Conflict
from grantline.model.events import Event, Sequenced, Submission


class Gap(Conflict):
    """Events before these are missing; the producer has to send from `expected` on."""

    def __init__(self, stream: Stream, expected: int, found: int) -> None:
        super().__init__(f"Sequence number {expected} is expected, {found} came.", detail="/".join(stream))
        self.stream = stream
        self.expected = expected
        self.found = found


class Taken(NamedTuple):
    """One event that gets a new leaf."""

    producer: str
    said: Sequenced

    @property
    def event(self) -> Event:
        """The event itself."""
        return self.said.event

    def at(self, tc: int) -> Place:
        """Its place in the record, taken at unix µs `tc`."""
        return Place(self.producer, self.said.boot, self.said.seq, tc)


@dataclass(slots=True)
class Placement:
    """What one submission changes: new events, moved cursors, and the index of its first event (known or next).

    `repeated`: events that have a leaf already, with its index. `passed`: numbers that were spent on one of those.
    """

    taken: list[Taken] = field(default_factory=list)
    repeated: list[tuple[int, Event]] = field(default_factory=list)
    passed: dict[Stream, list[int]] = field(default_factory=dict)
    cursors: dict[Stream, int] = field(default_factory=dict)
    first_index: int = -1


def place(
    submission: Submission, cursors: dict[Stream, int], known: dict[str, int], next_index: int, *, gap_ok: bool = False
) -> Placement:
    """Decide what is new. Raises `Gap` for a hole, `Conflict` for a number that was used for something else.

    `known`: event id → index, for every event of the submission that has a leaf (or will have one in this group).
    `gap_ok`: the hole stands long enough and is on record; go on behind it.
    """
    placement = Placement()
    here: dict[str, int] = {}
    for said in submission.events:
        stream = (submission.producer, said.boot)
        last = placement.cursors.get(stream, cursors.get(stream, 0))
        index = known.get(said.event.event_id, here.get(said.event.event_id))
        if said.seq <= last and index is None:
            raise Conflict("This sequence number was used for another event.", detail=f"{stream} {said.seq}")
        if said.seq > last + 1 and not gap_ok:
            raise Gap(stream, last + 1, said.seq)
        if index is None:
            index = here[said.event.event_id] = next_index + len(placement.taken)
            placement.taken.append(Taken(submission.producer, said))
        else:
            placement.repeated.append((index, said.event))
            if said.seq > last:
                placement.passed.setdefault(stream, []).append(said.seq)
        if placement.first_index < 0:
            placement.first_index = index
        placement.cursors[stream] = max(last, said.seq)
    return placement
