"""What the ledger needs kept. Four stores that share nothing: the tree, people's keys, projections, the outbox.

All but the outbox are plain blocking calls: the tree and the keys are written by the sequencer's one thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from grantline.crypto.merkle import Frontier
from grantline.ledger.inquiry.port import Investigations
from grantline.ledger.reading import Access, DayUse, EventRow, FieldUse, Usage
from grantline.ledger.retention.port import RetentionStore
from grantline.model.events import Event
from grantline.model.ids import ConsentId
from grantline.model.ports import Outbox

Stream = tuple[str, str]
"""A producer and one boot of it: the scope of a gap-free sequence."""


class AlreadyKept(Exception):
    """An event id of the group is in the tree already; nothing of the group was written."""


class EntryRow(NamedTuple):
    """One leaf. `tc`: commit time, unix µs, never decreasing with `idx`."""

    idx: int
    event_id: str
    tc: int
    body: bytes


class DetailRow(NamedTuple):
    """One sealed part of an event, for one person concerned."""

    idx: int
    key_id: str
    nonce: bytes
    sealed: bytes


class Head(NamedTuple):
    """Where the tree stands: its frontier and the commit time of its last entry."""

    frontier: Frontier
    tc: int


@dataclass(slots=True)
class Group:
    """What one transaction adds. `frontier` is the tree after it; `trusted`: producer → public JWK (JSON)."""

    rows: list[EntryRow]
    details: list[DetailRow]
    frontier: Frontier
    tc: int
    cursors: dict[Stream, int]
    trusted: dict[str, bytes]


class EntryStore(Protocol):
    """The tree's rows. The frontier shares its entries' transaction, so nothing is ever half-integrated."""

    def head(self) -> Head:
        """The committed head."""
        ...

    def cursors(self) -> dict[Stream, int]:
        """The last sequence number taken, for each stream."""
        ...

    def trusted(self) -> dict[str, bytes]:
        """Producers that became known by an enrolment entry, with their public keys."""
        ...

    def commit(self, group: Group) -> None:
        """Keep all of it, synced, or nothing. Raises `AlreadyKept`, or `AuditUnavailable` when the disk refuses."""
        ...

    def find(self, event_ids: Sequence[str]) -> dict[str, int]:
        """Index of each of these events that is in the tree."""
        ...

    def bodies(self, start: int, end: int) -> list[bytes]:
        """Leaves [start, end), in order."""
        ...

    def details(self, start: int, end: int) -> list[DetailRow]:
        """Sealed details of entries [start, end)."""
        ...

    def uncleared(self, key_ids: Sequence[str]) -> list[str]:
        """Those of these keys whose details this file was not cleared of, as far as it knows."""
        ...

    def clear(self, key_ids: Sequence[str], start: int, end: int) -> None:
        """Drop what these keys sealed of entries [start, end); leaves stay as they are."""
        ...

    def cleared(self, key_ids: Sequence[str]) -> None:
        """Nothing of these keys is in this file any more: note it, and leave no copy of it behind in the file."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class KeyRow(NamedTuple):
    """One person's key, wrapped under the root key."""

    key_id: str
    wrapped: bytes


class KeyStore(Protocol):
    """People's keys and the clear names that lead to them; apart from the tree and from its backups."""

    def lookup(self, name: str) -> KeyRow | None:
        """The oldest key that this name leads to."""
        ...

    def get(self, key_id: str) -> KeyRow | None:
        """The key itself; None once erased."""
        ...

    def of(self, name: str) -> list[KeyRow]:
        """Every key that this name leads to."""
        ...

    def keep(self, keys: Sequence[KeyRow], names: Sequence[tuple[str, str]]) -> None:
        """Keep new keys and new (name, key id) pairs, synced, before any entry relies on them."""
        ...

    def after(self, key_id: str, limit: int) -> list[KeyRow]:
        """The next keys behind this id, in order of their ids."""
        ...

    def rewrap(self, keys: Sequence[KeyRow]) -> None:
        """Keep these wrapped forms in place of those before, synced. One that is gone stays gone."""
        ...

    def leave_no_copy(self) -> None:
        """Nothing that was replaced or removed is left in the file or its log."""
        ...

    def remove(self, key_ids: Sequence[str]) -> None:
        """Remove keys and all names that lead to them, synced, and leave no copy of them behind in the file."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class AccessRow(NamedTuple):
    """One decision as projections hold it. `ref` is the keyed name of the consent, `fields` is JSON.

    `odd`: bits of `Odd`, set as far as that shows when the call is projected.
    """

    idx: int
    key_id: str
    ref: str
    event_id: str
    t: int
    client: str
    gateway: str
    api: str
    endpoint: str
    action: str
    datatype: str
    decision: str
    reason: str | None
    purpose: str | None
    fields: str
    evaluation: str
    trace: str | None
    jtih: str | None
    odd: int


class LifeRow(NamedTuple):
    """One event that is no call, as projections hold it. `purposes` is JSON: what a consent permits from here on."""

    idx: int
    key_id: str
    ref: str | None
    event_id: str
    type: str
    t: int
    reason: str | None
    version: int | None
    client: str | None
    purposes: str
    trace: str | None
    jtih: str | None


class OutcomeRow(NamedTuple):
    """What became of one permitted call. `stopped`: why it did not leave after all; None when it did."""

    evaluation: str
    status: int | None
    stopped: str | None


@dataclass(slots=True)
class Projected:
    """What a run of entries adds to projections."""

    accesses: list[AccessRow]
    lives: list[LifeRow]
    outcomes: list[OutcomeRow]


class ProjectionStore(Protocol):
    """Answers kept ready for readers; may be deleted at any time and is built again from the tree."""

    def applied(self) -> int:
        """How many entries are projected."""
        ...

    def apply(self, size: int, rows: Projected) -> None:
        """Add these rows and note the new size, in one transaction."""
        ...

    def uncleared(self, key_ids: Sequence[str]) -> list[str]:
        """Those of these keys whose rows this file was not cleared of, as far as it knows."""
        ...

    def clear(self, key_ids: Sequence[str], start: int, end: int) -> None:
        """Drop these people's rows of entries [start, end)."""
        ...

    def cleared(self, key_ids: Sequence[str]) -> None:
        """Nothing of these keys is in this file any more: note it, and leave no copy of it behind in the file."""
        ...

    def usage(self, ref: str, consent: ConsentId) -> Usage | None:
        """Counts over all accesses; None when there are none."""
        ...

    def accesses(self, ref: str, consent: ConsentId, limit: int, before: int | None) -> tuple[Access, ...]:
        """Newest first."""
        ...

    def days(self, ref: str, since_us: int, offset_s: int, until_us: int | None) -> tuple[DayUse, ...]:
        """Counts by day of UTC + `offset_s`, in order, before `until_us` if there is one."""
        ...

    def fields(self, ref: str, since_us: int) -> tuple[FieldUse, ...]:
        """Counts by kind of data and field, since then."""
        ...

    def around(self, ref: str, consent: ConsentId, t: int) -> tuple[Access | None, Access | None]:
        """The last permitted access, and the first refused one after `t`."""
        ...

    def life(self, ref: str) -> tuple[EventRow, ...]:
        """Events of one consent in order."""
        ...

    def events_of(self, key_ids: Sequence[str], limit: int) -> tuple[EventRow, ...]:
        """Events of the holder of these keys, newest first."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """What the ledger's process works on. `investigations` reads what `projections` keeps."""

    entries: EntryStore
    keys: KeyStore
    projections: ProjectionStore
    investigations: Investigations
    retention: RetentionStore

    def close(self) -> None:
        """Let go of all files."""
        for store in (self.entries, self.keys, self.projections):
            store.close()


class OutgoingEvents(Protocol):
    """The outbox as the relay sees it: events in commit order that the ledger does not have yet."""

    async def waiting(self, limit: int) -> tuple[tuple[int, Event], ...]:
        """The oldest events with their place in the outbox."""
        ...

    async def forget(self, upto: int) -> None:
        """Drop everything up to this place: the ledger has it."""
        ...


class RelayTransaction(Protocol):
    """What the relay needs of a transaction of the database it relays from."""

    @property
    def outgoing(self) -> OutgoingEvents:
        """The outbox, read from its old end."""
        ...

    @property
    def outbox(self) -> Outbox:
        """The outbox at its new end."""
        ...
