"""What has ended lately: the table that a token is held against. Recent changes, no list of people."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from grantline.model.feed import Entry, Kind, Marks, Position, chain, digest
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims

EMPTY = bytes(32)
LEEWAY = 60
"""Seconds for which an entry is kept after its `until`: more than any verifier allows on `exp`."""


class Gap(Exception):
    """An entry is missing or of another incarnation: this table cannot go on from where it stands."""


class SavedTable(msgspec.Struct, frozen=True, kw_only=True):
    """Table and position as one object, for one atomic write. `chain`: hex digest of the feed at `position`."""

    position: Position
    chain: str
    marks: Marks
    pruned_at: int
    entries: tuple[Entry, ...]


class Cutoffs:
    """The table of one worker. Belongs to one thread: `apply` has no moment in which another could look."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self.link = EMPTY
        self.marks = Marks()
        self.pruned_at = 0
        self._entries: dict[tuple[Kind, str], Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def digest(self) -> str:
        """What both ends compare, at this table's position."""
        return digest(self.link, self.marks)

    def start_from(self, position: Position, link: bytes, marks: Marks) -> None:
        """Forget everything and begin at the oldest place the authority still holds."""
        self.position, self.link, self.marks = position, link, marks
        self._entries.clear()

    def apply(self, incarnation: int, entries: Iterable[Entry]) -> None:
        """Take the entries that follow; those already applied are passed over. Raises `Gap`, then nothing changed."""
        if self.position is None or self.position.incarnation != incarnation:
            raise Gap(f"entries of incarnation {incarnation} at {self.position}")
        following = [entry for entry in entries if entry.seq > self.position.seq]
        for expected, entry in enumerate(following, self.position.seq + 1):
            if entry.seq != expected:
                raise Gap(f"entry {entry.seq} where {expected} is due")
        for entry in following:
            self._take(entry)
            self.link = chain(self.link, entry)
            self.marks = self.marks.after(entry)
            self.position = Position(incarnation, entry.seq)

    def refuses(self, claims: AccessClaims, signer: str = "") -> Reason | None:
        """Why a token with these claims no longer stands, or None. Each link of the lineage is looked at.

        `signer`: the kid of the key that signed it. Of a key that was cut off no claim is believed, nor a position.
        """
        forged = self._entries.get((Kind.KEY, signer))
        if forged is not None:
            return reason(forged)
        for grant, epoch in ((claims.grant_id, claims.gep), *claims.lin):
            ended = self._entries.get((Kind.GRANT, grant))
            if ended is not None and ended.min_epoch is not None and epoch < ended.min_epoch:
                return reason(ended)
        if (spent := self._entries.get((Kind.TOKEN, claims.jti))) is not None:
            return reason(spent)
        for kind, name in _names(claims):
            cut = self._entries.get((kind, name))
            if cut is not None and cut.before_position is not None and claims.seq < cut.before_position:
                return reason(cut)
        return None

    def prune(self, now: int) -> None:
        """Drop entries whose tokens have all expired by this wall clock (unix seconds)."""
        for key in [key for key, entry in self._entries.items() if entry.until + LEEWAY < now]:
            del self._entries[key]
            self.pruned_at = now

    def stepped_back(self, now: int) -> bool:
        """True if the wall clock went back so far that what was pruned could be valid again."""
        return now < self.pruned_at - LEEWAY

    def saved(self) -> SavedTable | None:
        """Everything, or None while there is no position."""
        if self.position is None:
            return None
        entries = tuple(sorted(self._entries.values(), key=lambda entry: entry.seq))
        return SavedTable(
            position=self.position, chain=self.link.hex(), marks=self.marks, pruned_at=self.pruned_at, entries=entries
        )

    @classmethod
    def restored(cls, saved: SavedTable | None) -> "Cutoffs":
        """A table as it was saved; a new one without any."""
        table = cls()
        if saved is not None:
            table.position, table.link = saved.position, bytes.fromhex(saved.chain)
            table.marks, table.pruned_at = saved.marks, saved.pruned_at
            table._entries = {(entry.kind, entry.id): entry for entry in saved.entries}
        return table

    def _take(self, entry: Entry) -> None:
        if entry.kind in (Kind.POLICY, Kind.CATALOG):
            return
        if entry.kind in (Kind.CLIENT, Kind.KEY) and entry.before_position is None:
            return
        key = entry.kind, entry.id
        older = self._entries.get(key)
        self._entries[key] = entry if older is None else _stronger(older, entry)


def reason(entry: Entry) -> Reason:
    """The entry's cause as a reason; a cause this version does not know still refuses."""
    try:
        return Reason(entry.cause)
    except ValueError:
        return Reason.GRANT_REVOKED


def _stronger(older: Entry, newer: Entry) -> Entry:
    """One entry that refuses whatever either of the two did, in the words of the newer."""
    epochs = [entry.min_epoch for entry in (older, newer) if entry.min_epoch is not None]
    places = [entry.before_position for entry in (older, newer) if entry.before_position is not None]
    return replace(
        newer,
        until=max(older.until, newer.until),
        min_epoch=max(epochs, default=None),
        before_position=max(places, default=None),
    )


def _names(claims: AccessClaims) -> list[tuple[Kind, str]]:
    """Everything besides grants by which this token can be cut off."""
    names = [(Kind.CLIENT, str(claims.client_id)), (Kind.SUBJECT, str(claims.sub))]
    if claims.fam is not None:
        names.append((Kind.FAMILY, claims.fam))
    if claims.cnf is not None and claims.cnf.jkt is not None:
        names.append((Kind.KEY, claims.cnf.jkt))
    for actor in claims.actors:
        # An actor is a client too: who is stopped takes along whatever went through its hands.
        names += [(Kind.AGENT, actor), (Kind.CLIENT, actor)]
    return names
