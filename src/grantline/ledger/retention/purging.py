"""Details go by class and month once their period is over; a hold keeps what it is about. The tree stays as it is."""

from functools import partial

import orjson

from grantline.ledger.findings import OwnStream
from grantline.ledger.keys import PersonKeys
from grantline.ledger.retention.holds import Holds
from grantline.ledger.retention.policy import CLASSES, Policy, class_of, months
from grantline.ledger.retention.port import Progress, Purge, RetentionStore
from grantline.ledger.sequencer import Sequencer
from grantline.ledger.store import EntryStore
from grantline.model.clock import Clock
from grantline.model.events import EventType
from grantline.model.ids import Randomness, event_id

STEP = 2_000
"""Entries that are looked at at once: appends wait for no more than that."""


class Purging:
    """Of one running ledger. `minimum`: the first entry that is still there."""

    def __init__(
        self, sequencer: Sequencer, entries: EntryStore, store: RetentionStore, keys: PersonKeys, *,
        holds: Holds, policy: Policy, stream: OwnStream, clock: Clock, randomness: Randomness,
    ) -> None:  # fmt: skip
        self._sequencer, self._entries, self._store, self._keys = sequencer, entries, store, keys
        self._holds, self._policy, self._stream = holds, policy, stream
        self._clock, self._randomness = clock, randomness

    async def finish(self) -> None:
        """After a start: tell of purges that a crash left untold."""
        for purge in self._store.purges():
            await self._tell(purge)

    async def purge(self, minimum: int) -> tuple[Purge, ...]:
        """All whose period is over, except what is on hold. Raises `AuditUnavailable`; calling it again goes on."""
        if any(hold.person is None for hold in self._holds.standing()):
            return ()
        done: list[Purge] = []
        for kind in CLASSES:
            done += await self._class(kind, minimum)
        await self._sequencer.between(self._store.leave_no_copy)
        return tuple(done)

    async def _class(self, kind: str, minimum: int) -> list[Purge]:
        frontier = self._sequencer.frontier
        size = 0 if frontier is None else frontier.size
        ended = self._policy.ended(kind, self._clock.wall_us())
        start = max(self._store.progress(kind).idx, minimum)
        done: list[Purge] = []
        if start >= size:
            return done
        for month, until in months(time_of(self._entries, start), ended):
            last = first_at(self._entries, until, start, size)
            purge = await self._month(kind, month, start, last)
            start = last
            if purge is not None:
                done.append(purge)
        return done

    async def _month(self, kind: str, month: str, first: int, last: int) -> Purge | None:
        at, purge = first, None
        while at < last:
            end = min(at + STEP, last)
            event = event_id(self._randomness, self._clock.wall_us())
            whole = Purge(event, kind, month, first, last, 0) if end == last else None
            purge = await self._sequencer.between(partial(self._step, kind, at, end, whole))
            at = end
        if purge is not None:
            await self._tell(purge)
        return purge

    def _step(self, kind: str, start: int, end: int, whole: Purge | None) -> Purge | None:
        """Drop what is over of entries [start, end). `whole`: the month that ends here; told if it lost anything."""
        bodies = self._entries.bodies(start, end)
        ours = {index for index, body in enumerate(bodies, start) if class_of(orjson.loads(body)) == kind}
        held = self._held()
        details = [row for row in self._entries.details(start, end) if row.idx in ours]
        rows = [(row.idx, row.key_id) for row in details if row.key_id not in held]
        kept = {row.idx for row in details if row.key_id in held}
        # Readers first: a crash in between leaves details that nobody finds, and the next run drops them.
        self._store.drop_projected(sorted({idx for idx, _ in rows} - kept))
        total = self._store.progress(kind).rows + len(rows)
        purge = whole._replace(rows=total) if whole is not None and total else None
        self._store.drop_details(rows, kind, Progress(end, 0 if purge is not None else total), purge)
        return purge

    def _held(self) -> set[str]:
        """Read at each step: a hold counts from the moment it is put."""
        people = [hold.person for hold in self._holds.standing() if hold.person is not None]
        return {key for person in people for key in (*self._keys.of_person(person), *self._keys.of_evidence(person))}

    async def _tell(self, purge: Purge) -> None:
        if self._entries.find([purge.event]):
            return
        detail: dict[str, object] = {
            "class": purge.kind, "month": purge.month, "first": purge.first, "last": purge.last,
            "count": purge.rows, "days": self._policy.days(purge.kind),
        }  # fmt: skip
        await self._stream.tell(EventType.RETENTION_PURGED, "purge", detail, event_id=purge.event)


def time_of(entries: EntryStore, index: int) -> int:
    """Commit time of an entry, unix µs."""
    (body,) = entries.bodies(index, index + 1)
    return int(orjson.loads(body)["tc"])


def first_at(entries: EntryStore, us: int, low: int, high: int) -> int:
    """The first index in [low, high] whose commit time is not before `us`: times never decrease."""
    while low < high:
        middle = (low + high) // 2
        if time_of(entries, middle) < us:
            low = middle + 1
        else:
            high = middle
    return low
