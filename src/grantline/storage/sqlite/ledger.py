"""The tree in SQLite: entries, details, frontier and producers' cursors change in one synced transaction."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from grantline.crypto.merkle import Frontier
from grantline.ledger.store import AlreadyKept, DetailRow, Group, Head, Stores, Stream
from grantline.storage.schema.ledger import CURSORS, DETAILS, ENTRIES, FRONTIER, TREE, TREE_CLEARED, TRUSTED
from grantline.storage.sqlite.connection import Connect, connect
from grantline.storage.sqlite.ledger_clearing import Clearing
from grantline.storage.sqlite.ledger_file import LedgerFile, Writing
from grantline.storage.sqlite.ledger_keys import SqliteKeyStore
from grantline.storage.sqlite.ledger_projections import SqliteProjectionStore
from grantline.storage.sqlite.ledger_retention import SqliteRetentionStore
from grantline.storage.statements import Statement

_HEAD = Statement(select(FRONTIER.c.size, FRONTIER.c.hashes, FRONTIER.c.tc).where(FRONTIER.c.id == 1))
_CURSORS = Statement(select(CURSORS.c.producer, CURSORS.c.boot, CURSORS.c.last_seq))
_TRUSTED = Statement(select(TRUSTED.c.producer, TRUSTED.c.jwk))
_FIND = Statement(select(ENTRIES.c.idx).where(ENTRIES.c.event_id == bindparam("event_id")))
_BODIES = Statement(
    select(ENTRIES.c.body)
    .where(ENTRIES.c.idx >= bindparam("start"), ENTRIES.c.idx < bindparam("end"))
    .order_by(ENTRIES.c.idx)
)
_DETAILS = Statement(
    select(DETAILS.c.idx, DETAILS.c.key_id, DETAILS.c.nonce, DETAILS.c.sealed)
    .where(DETAILS.c.idx >= bindparam("start"), DETAILS.c.idx < bindparam("end"))
    .order_by(DETAILS.c.idx)
)
_ADD_ENTRY = Statement(insert(ENTRIES).values({name: bindparam(name) for name in ("idx", "event_id", "tc", "body")}))
_ADD_DETAIL = Statement(
    insert(DETAILS).values({name: bindparam(name) for name in ("idx", "key_id", "nonce", "sealed")})
)
_frontier = insert(FRONTIER).values(id=1, **{name: bindparam(name) for name in ("size", "hashes", "tc")})
_ADVANCE = Statement(
    _frontier.on_conflict_do_update(
        index_elements=["id"],
        set_={name: _frontier.excluded[name] for name in ("size", "hashes", "tc")},
    )
)
_cursor = insert(CURSORS).values({name: bindparam(name) for name in ("producer", "boot", "last_seq")})
_MOVE_CURSOR = Statement(
    _cursor.on_conflict_do_update(index_elements=["producer", "boot"], set_={"last_seq": _cursor.excluded["last_seq"]})
)
_trust = insert(TRUSTED).values({name: bindparam(name) for name in ("producer", "jwk")})
_TRUST = Statement(_trust.on_conflict_do_update(index_elements=["producer"], set_={"jwk": _trust.excluded["jwk"]}))


PROJECTIONS_FILE = "projections.2.db"
"""Its number is that of its tables: another one is built anew from the tree, never changed in place."""


class SqliteEntryStore:
    """Implements `EntryStore`."""

    def __init__(self, path: Path, *, connect: Connect = connect) -> None:
        self.file = LedgerFile(path, TREE, connect=connect)
        self._clearing = Clearing(self.file, TREE_CLEARED, DETAILS)

    def head(self) -> Head:
        """The frontier row."""
        row = self.file.one(_HEAD)
        return Head(Frontier(), 0) if row is None else Head(Frontier.from_bytes(row["size"], row["hashes"]), row["tc"])

    def cursors(self) -> dict[Stream, int]:
        """All streams ever seen: one row for each boot of a producer."""
        return {(row["producer"], row["boot"]): row["last_seq"] for row in self.file.all(_CURSORS)}

    def trusted(self) -> dict[str, bytes]:
        """Enrolled producers."""
        return {row["producer"]: row["jwk"] for row in self.file.all(_TRUSTED)}

    def commit(self, group: Group) -> None:
        """One transaction, synced before this returns."""

        def unit(writing: Writing) -> None:
            writing.rows(_ADD_ENTRY, group.rows)
            writing.rows(_ADD_DETAIL, group.details)
            frontier = group.frontier
            writing.run(_ADVANCE, size=frontier.size, hashes=frontier.to_bytes(), tc=group.tc)
            writing.rows(_MOVE_CURSOR, [(*stream, last) for stream, last in group.cursors.items()])
            writing.rows(_TRUST, list(group.trusted.items()))

        try:
            self.file.write(unit)
        except sqlite3.IntegrityError as error:
            raise AlreadyKept from error

    def find(self, event_ids: Sequence[str]) -> dict[str, int]:
        """Point look-ups."""
        rows = {event_id: self.file.one(_FIND, event_id=event_id) for event_id in event_ids}
        return {event_id: row["idx"] for event_id, row in rows.items() if row is not None}

    def bodies(self, start: int, end: int) -> list[bytes]:
        """In order of index."""
        return [row["body"] for row in self.file.all(_BODIES, start=start, end=end)]

    def details(self, start: int, end: int) -> list[DetailRow]:
        """In order of index."""
        return [DetailRow(*row) for row in self.file.all(_DETAILS, start=start, end=end)]

    def uncleared(self, key_ids: Sequence[str]) -> list[str]:
        """By this file's own notes."""
        return self._clearing.uncleared(key_ids)

    def clear(self, key_ids: Sequence[str], start: int, end: int) -> None:
        """In one transaction."""
        self._clearing.clear(key_ids, start, end)

    def cleared(self, key_ids: Sequence[str]) -> None:
        """Noted in this file."""
        self._clearing.cleared(key_ids)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def open_ledger(directory: Path, *, connect: Connect = connect) -> Stores:
    """The three files of a ledger, made when they are missing. Each thread that reads opens its own."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in directory.glob("projections.db*"):
        old.unlink()
    entries = SqliteEntryStore(directory / "ledger.db", connect=connect)
    projections = SqliteProjectionStore(directory / PROJECTIONS_FILE)
    return Stores(
        entries=entries,
        keys=SqliteKeyStore(directory / "keys.db"),
        projections=projections,
        investigations=projections.investigations,
        retention=SqliteRetentionStore(entries.file, projections.file),
    )
