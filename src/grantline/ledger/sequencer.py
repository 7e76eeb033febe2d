"""One thread gives every event its place in the tree and answers only when that place is durable.

Whatever waits is taken as one group: entries, details, frontier and producers' cursors share one transaction, whose
commit is the batching window of the next group. There is no half-integrated state to recover from.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import structlog

from grantline.crypto.merkle import Frontier
from grantline.ledger import projection
from grantline.ledger.accounts import LEDGER
from grantline.ledger.entry import says
from grantline.ledger.gaps import Gaps
from grantline.ledger.keys import PersonKeys
from grantline.ledger.placing import Gap, Placement, Taken, place
from grantline.ledger.projection import Known
from grantline.ledger.room import Room
from grantline.ledger.sealing import Sealed, seal
from grantline.ledger.store import AlreadyKept, Group, Head, Stores, Stream
from grantline.ledger.waiting import OVER, Chore, Over, Waiting, answer
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable, Conflict, GrantlineError, InvalidRequest
from grantline.model.events import MOST_SUBMITTED, Accepted, EventType, Submission
from grantline.model.ids import Randomness

T = TypeVar("T")
GROUP = MOST_SUBMITTED
WAITING = 4_096
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _State:
    """What is committed, as the sequencer's thread knows it."""

    head: Head
    cursors: dict[Stream, int]


class _Draft:
    """One group while it is put together; nothing of it counts until it is committed."""

    def __init__(self, state: _State, known: dict[str, int]) -> None:
        self.size = state.head.frontier.size
        self.cursors = dict(state.cursors)
        self.known = known
        self.moved: dict[Stream, int] = {}
        self.sealed: list[Sealed] = []
        self.taken: list[Taken] = []

    @property
    def next_index(self) -> int:
        return self.size + len(self.sealed)

    def known_events(self) -> list[Known]:
        """The new events with their index and key."""
        pairs = zip(self.sealed, self.taken, strict=True)
        return [Known(each.row.idx, taken.event, each.subject) for each, taken in pairs]

    def add(self, placement: Placement, sealed: list[Sealed]) -> None:
        """Take over what one submission changes."""
        self.known.update({each.row.event_id: each.row.idx for each in sealed})
        self.cursors.update(placement.cursors)
        self.moved.update(placement.cursors)
        self.sealed.extend(sealed)
        self.taken.extend(placement.taken)


class Sequencer:
    """Appends to the tree. `append` may be called from any event loop; the work is done in one thread."""

    def __init__(
        self, stores: Stores, keys: PersonKeys, clock: Clock, randomness: Randomness, *, room: Room | None = None
    ) -> None:
        self._stores = stores
        self._room = room
        self._keys = keys
        self._clock = clock
        self._randomness = randomness
        self._gaps = Gaps(clock, randomness)
        self._state: _State | None = self._load()
        self._lagging = False
        self._waiting: queue.Queue[Waiting | Chore[Any] | Over] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._serve, name="sequencer", daemon=True)
        self._thread.start()

    async def append(self, submission: Submission) -> Accepted:
        """Durable when it returns. Raises `Gap`, `Conflict`, `InvalidRequest` or `AuditUnavailable`."""
        if not 0 < len(submission.events) <= GROUP:
            raise InvalidRequest(f"A submission holds 1 to {GROUP} events.")
        waiting = Waiting(submission, asyncio.get_running_loop())
        try:
            self._waiting.put_nowait(waiting)
        except queue.Full as error:
            raise AuditUnavailable("Too many events wait for the ledger.") from error
        return await waiting.future

    async def between(self, work: Callable[[], T]) -> T:
        """Do something to the stores between two groups; its answer. Every append waits for it: keep it short."""
        chore = Chore(work, asyncio.get_running_loop())
        try:
            self._waiting.put_nowait(chore)
        except queue.Full as error:
            raise AuditUnavailable("Too many events wait for the ledger.") from error
        return await chore.future

    @property
    def frontier(self) -> Frontier | None:
        """The committed tree; None while it is not known what is committed."""
        state = self._state
        return None if state is None else state.head.frontier

    def close(self) -> None:
        """Finish what waits."""
        self._waiting.put(OVER)
        self._thread.join()

    def _load(self) -> _State:
        return _State(self._stores.entries.head(), self._stores.entries.cursors())

    def _serve(self) -> None:
        while True:
            group, then = self._gather()
            if group:
                self._sequence_or_refuse(group)
                answer(group)
            if isinstance(then, Chore):
                then.run()
            elif then is OVER:
                return

    def _sequence_or_refuse(self, group: list[Waiting]) -> None:
        try:
            if self._room is not None:
                self._room.require()
        except AuditUnavailable as full:
            for waiting in group:
                waiting.outcome = full
            return
        try:
            self._sequence(group)
        except Exception as error:
            # The commit may or may not stand: what counts is what the store says when it is read again.
            self._state = None
            self._keys.forget_unwritten()
            _log.error("ledger_group_failed", error=repr(error))
            unavailable = AuditUnavailable("The ledger cannot be written right now.", detail=repr(error))
            for waiting in group:
                waiting.outcome = unavailable

    def _gather(self) -> tuple[list[Waiting], "Chore[Any] | Over | None"]:
        """Whatever waits now, at most `GROUP` events, and what comes after it."""
        group: list[Waiting] = []
        events = 0
        while True:
            item = self._waiting.get()
            if not isinstance(item, Waiting):
                return group, item
            group.append(item)
            events += len(item.submission.events)
            if events >= GROUP or self._waiting.empty():
                return group, None

    def _sequence(self, group: list[Waiting]) -> None:
        state = self._state or self._load()
        self._state = state
        try:
            draft = self._attempt(group, state, {})
        except AlreadyKept:
            ids = [said.event.event_id for waiting in group for said in waiting.submission.events]
            draft = self._attempt(group, state, self._stores.entries.find(ids))
        self._project(draft)

    def _attempt(self, group: list[Waiting], state: _State, known: dict[str, int]) -> _Draft:
        draft = _Draft(state, known)
        tc = max(state.head.tc, self._clock.wall_us())
        for waiting in group:
            self._take(waiting, draft, tc)
        if draft.moved:
            self._state = self._commit(draft, state, tc)
        for waiting in group:
            if isinstance(waiting.outcome, Accepted):
                waiting.outcome = _with_size(waiting.outcome, draft.next_index)
        return draft

    def _take(self, waiting: Waiting, draft: _Draft, tc: int) -> None:
        """Place and seal one submission; what is wrong with it is its own outcome and changes nothing else."""
        submission = waiting.submission
        try:
            if any(said.seq <= draft.cursors.get((submission.producer, said.boot), 0) for said in submission.events):
                ids = [said.event.event_id for said in submission.events]
                draft.known.update(self._stores.entries.find(ids))
            placement = self._place(draft, submission, tc)
            for stream, numbers in placement.passed.items():
                self._seal_into(draft, self._gaps.repeated(stream, numbers, draft.cursors), tc)
        except AuditUnavailable:
            raise
        except (GrantlineError, ValueError) as error:
            waiting.outcome = error if isinstance(error, GrantlineError) else InvalidRequest(str(error))
            return
        last = submission.events[-1]
        waiting.outcome = Accepted(boot=last.boot, last_seq=last.seq, first_index=placement.first_index, size=0)

    def _place(self, draft: _Draft, submission: Submission, tc: int) -> Placement:
        try:
            return self._seal_into(draft, submission, tc)
        except Gap as gap:
            record = self._gaps.record(gap, draft.cursors)
            if record is None:
                raise
            self._seal_into(draft, record, tc)
            return self._seal_into(draft, submission, tc, gap_ok=True)

    def _require_same(self, placement: Placement, draft: _Draft) -> None:
        for index, event in placement.repeated:
            at = index - draft.next_index
            same = says(self._body(index, draft), event) if at < 0 else placement.taken[at].event == event
            if not same:
                raise Conflict("This event id was used for another event.", detail=event.event_id)

    def _body(self, index: int, draft: _Draft) -> bytes:
        if index < draft.size:
            return self._stores.entries.bodies(index, index + 1)[0]
        return draft.sealed[index - draft.size].row.body

    def _seal_into(self, draft: _Draft, submission: Submission, tc: int, *, gap_ok: bool = False) -> Placement:
        placement = place(submission, draft.cursors, draft.known, draft.next_index, gap_ok=gap_ok)
        self._require_same(placement, draft)
        sealed = [
            seal(taken.event, index, taken.at(tc), self._keys, self._randomness)
            for index, taken in enumerate(placement.taken, draft.next_index)
        ]
        draft.add(placement, sealed)
        return placement

    def _commit(self, draft: _Draft, state: _State, tc: int) -> _State:
        self._keys.flush()
        frontier = state.head.frontier.copy()
        for each in draft.sealed:
            frontier.append(each.leaf)
        self._stores.entries.commit(
            Group(
                rows=[each.row for each in draft.sealed],
                details=[detail for each in draft.sealed for detail in each.details],
                frontier=frontier,
                tc=tc,
                cursors=draft.moved,
                trusted=_enrolled(draft.taken),
            )
        )
        return _State(Head(frontier, tc), draft.cursors)

    def _project(self, draft: _Draft) -> None:
        """Projections follow before the answer, so who was answered can read it; failing, they catch up later."""
        if not draft.sealed:
            return
        try:
            if self._lagging:
                projection.catch_up(self._stores.entries, self._keys, self._stores.projections, draft.next_index)
            else:
                self._stores.projections.apply(draft.next_index, projection.project(draft.known_events()))
            self._lagging = False
        except AuditUnavailable as error:
            self._lagging = True
            _log.warning("ledger_projections_lag", error=error.detail)


def _enrolled(taken: list[Taken]) -> dict[str, bytes]:
    """Producers that these events make known: a gateway's enrolment, told by the authority."""
    found: dict[str, bytes] = {}
    for each in taken:
        gateway, jwk = each.event.detail.get("gateway"), each.event.detail.get("jwk")
        if (
            each.event.type == EventType.GATEWAY_ENROLLED
            and isinstance(gateway, str)
            and isinstance(jwk, dict)
            and gateway != LEDGER
        ):
            found[gateway] = orjson.dumps(jwk)
    return found


def _with_size(accepted: Accepted, size: int) -> Accepted:
    return Accepted(boot=accepted.boot, last_seq=accepted.last_seq, first_index=accepted.first_index, size=size)
