"""A person is forgotten: their keys are destroyed, what the keys sealed is dropped, and the tree stays as it is.

The list of erasures is a file of its own. It is written first, and replayed at each start: neither a crash nor a copy
that is put back brings a person back (GDPR Art. 17).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from grantline.ledger.files import append_line
from grantline.ledger.findings import OwnStream
from grantline.ledger.keys import PersonKeys
from grantline.ledger.retention.holds import Holds
from grantline.ledger.sequencer import Sequencer
from grantline.ledger.store import EntryStore, ProjectionStore, Stores
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable, Conflict, NotFound
from grantline.model.events import EventType
from grantline.model.ids import EventId, PersonId, Randomness, event_id

STEP = 5_000
"""Entries that are cleared at once: appends wait for no more than that."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to be forgotten, on what basis and request. `evidence`: also the proof of their consents, which the law
    lets a controller keep for its defence (GDPR Art. 17(3)(e)).
    """

    person: PersonId
    basis: str
    request: str
    evidence: bool = False


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list. `at`: unix µs. `event`: under which id the tree tells of it."""

    event: EventId
    at: int
    keys: tuple[str, ...]
    evidence: bool
    basis: str
    request: str


class Erasures:
    """The list: one JSON document a line, synced before anything is destroyed. Nothing is ever removed from it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> tuple[Erasure, ...]:
        """In order. A last line that was cut short by a crash was never acted upon."""
        if not self._path.exists():
            return ()
        lines = self._path.read_bytes().split(b"\n")[:-1]
        return tuple(msgspec.json.decode(line, type=Erasure) for line in lines if line)

    def add(self, erasure: Erasure) -> None:
        """Raises `AuditUnavailable` when it cannot be kept."""
        try:
            append_line(self._path, msgspec.json.encode(erasure))
        except OSError as error:
            raise AuditUnavailable("The list of erasures could not be written.", detail=str(error)) from error


class Eraser:
    """Destroys keys in a running ledger. `readers`: other holders of keys, which have to let go of them."""

    def __init__(
        self,
        sequencer: Sequencer,
        stores: Stores,
        keys: PersonKeys,
        erasures: Erasures,
        *,
        holds: Holds,
        readers: Sequence[PersonKeys],
        stream: OwnStream,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._sequencer = sequencer
        self._stores = stores
        self._keys = keys
        self._erasures = erasures
        self._holds = holds
        self._readers = readers
        self._stream = stream
        self._clock = clock
        self._randomness = randomness

    async def erase(self, order: Order) -> Erasure:
        """When it returns the keys are gone, the tree tells of it, and no row that they sealed is left.

        Raises `NotFound` when nothing here is about this person, `Conflict` while a legal hold keeps it (GDPR Art.
        17(3)(e)), `AuditUnavailable` when the disk refuses; once the list has it, the next start finishes what was
        begun.
        """
        erasure = await self._sequencer.between(partial(self._destroy, order))
        for reader in self._readers:
            reader.forget()
        await self._finish(erasure)
        return erasure

    async def finish_all(self) -> None:
        """After a start: what a crash or an older copy of a file left undone."""
        for erasure in self._erasures.all():
            await self._finish(erasure)

    def _destroy(self, order: Order) -> Erasure:
        for hold in self._holds.standing():
            if hold.person in (None, order.person):
                raise Conflict(f"The hold {hold.id} keeps this; lift it first, or answer that it cannot be erased yet.")
        keys = self._keys.of_person(order.person)
        if order.evidence:
            keys += self._keys.of_evidence(order.person)
        if not keys:
            raise NotFound("The record holds nothing that is about this person.", detail=order.person)
        now = self._clock.wall_us()
        erasure = Erasure(
            event=event_id(self._randomness, now), at=now, keys=keys, evidence=order.evidence, basis=order.basis,
            request=order.request,
        )  # fmt: skip
        self._erasures.add(erasure)
        self._keys.destroy(keys)
        return erasure

    async def _finish(self, erasure: Erasure) -> None:
        if not self._stores.entries.find([erasure.event]):
            await self._tell(erasure)
        await self._clear(self._stores.entries, erasure)
        await self._clear(self._stores.projections, erasure)

    async def _clear(self, store: EntryStore | ProjectionStore, erasure: Erasure) -> None:
        keys, frontier = store.uncleared(erasure.keys), self._sequencer.frontier
        if not keys or frontier is None:
            return
        for start in range(0, frontier.size, STEP):
            await self._sequencer.between(partial(store.clear, keys, start, start + STEP))
        await self._sequencer.between(partial(store.cleared, keys))

    async def _tell(self, erasure: Erasure) -> None:
        """It names nobody: a name would make the person a new key."""
        detail: dict[str, object] = {"keys": list(erasure.keys), "request": erasure.request, "at": erasure.at}
        await self._stream.tell(
            EventType.PERSON_ERASED, "erase", detail, event_id=erasure.event, res="person", basis=erasure.basis,
            rsn="evidence" if erasure.evidence else "operational",
        )  # fmt: skip


def destroy_again(erasures: Erasures, keys: PersonKeys) -> None:
    """Before anything is read at a start: keys that an older copy of their file brought back go again."""
    for erasure in erasures.all():
        back = [key_id for key_id in erasure.keys if keys.is_kept(key_id)]
        if back:
            keys.destroy(back)
