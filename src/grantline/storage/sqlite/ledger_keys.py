"""People's keys in their own SQLite file, kept out of the tree's backups."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from grantline.ledger.store import KeyRow
from grantline.storage.schema.ledger import KEYS, NAMES, PERSON_KEYS
from grantline.storage.sqlite.ledger_file import LedgerFile, Writing
from grantline.storage.statements import Statement

_KEY = (PERSON_KEYS.c.key_id, PERSON_KEYS.c.wrapped)
_GET = Statement(select(*_KEY).where(PERSON_KEYS.c.key_id == bindparam("key_id")))
# Key ids are UUIDv7: their order is the order in which they were made.
_OF = Statement(
    select(*_KEY)
    .join(NAMES, NAMES.c.key_id == PERSON_KEYS.c.key_id)
    .where(NAMES.c.name == bindparam("name"))
    .order_by(PERSON_KEYS.c.key_id)
)
_ADD_KEY = Statement(insert(PERSON_KEYS).values({name: bindparam(name) for name in ("key_id", "wrapped")}))
_ADD_NAME = Statement(
    insert(NAMES).values({name: bindparam(name) for name in ("name", "key_id")}).on_conflict_do_nothing()
)
_AFTER = Statement(
    select(*_KEY)
    .where(PERSON_KEYS.c.key_id > bindparam("key_id"))
    .order_by(PERSON_KEYS.c.key_id)
    .limit(bindparam("count"))
)
_REWRAP = Statement(
    update(PERSON_KEYS).where(PERSON_KEYS.c.key_id == bindparam("key_id")).values(wrapped=bindparam("new_form"))
)
_DROP_KEY = Statement(delete(PERSON_KEYS).where(PERSON_KEYS.c.key_id == bindparam("key_id")))
_DROP_NAMES = Statement(delete(NAMES).where(NAMES.c.key_id == bindparam("key_id")))


class SqliteKeyStore:
    """Implements `KeyStore`."""

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path, KEYS)

    def lookup(self, name: str) -> KeyRow | None:
        """The oldest key of the name."""
        rows = self.of(name)
        return rows[0] if rows else None

    def get(self, key_id: str) -> KeyRow | None:
        """By id."""
        row = self._file.one(_GET, key_id=key_id)
        return None if row is None else KeyRow(*row)

    def of(self, name: str) -> list[KeyRow]:
        """All keys of the name, oldest first."""
        return [KeyRow(*row) for row in self._file.all(_OF, name=name)]

    def keep(self, keys: Sequence[KeyRow], names: Sequence[tuple[str, str]]) -> None:
        """One synced transaction."""

        def unit(writing: Writing) -> None:
            writing.rows(_ADD_KEY, list(keys))
            writing.rows(_ADD_NAME, list(names))

        self._file.write(unit)

    def after(self, key_id: str, limit: int) -> list[KeyRow]:
        """By primary key."""
        return [KeyRow(*row) for row in self._file.all(_AFTER, key_id=key_id, count=limit)]

    def rewrap(self, keys: Sequence[KeyRow]) -> None:
        """One synced transaction."""

        def unit(writing: Writing) -> None:
            for key in keys:
                writing.run(_REWRAP, key_id=key.key_id, new_form=key.wrapped)

        self._file.write(unit)

    def leave_no_copy(self) -> None:
        """What is deleted is overwritten at once (`secure_delete`), so only the log is left."""
        self._file.leave_no_copy()

    def remove(self, key_ids: Sequence[str]) -> None:
        """One synced transaction, and the log emptied."""

        def unit(writing: Writing) -> None:
            for key_id in key_ids:
                writing.run(_DROP_NAMES, key_id=key_id)
                writing.run(_DROP_KEY, key_id=key_id)

        self._file.write(unit)
        self._file.leave_no_copy()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
