"""One SQLite file of the ledger: its tables, its single connection, and disk errors told in the ledger's words."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from grantline.model.errors import AuditUnavailable
from grantline.storage.sqlite.connection import Connect, connect
from grantline.storage.statements import Statement


class LedgerFile:
    """A connection that several threads may take turns with."""

    def __init__(self, path: Path, tables: MetaData, *, synced: bool = True, connect: Connect = connect) -> None:
        self._lock = threading.RLock()
        self._connection = connect(path)
        # The log is copied back less often than SQLite's default: each time costs the commit two more syncs.
        self._connection.execute("PRAGMA wal_autocheckpoint=4000")
        if not synced:
            self._connection.execute("PRAGMA synchronous=NORMAL")
        for each in tables.sorted_tables:
            self._connection.execute(str(CreateTable(each, if_not_exists=True).compile(dialect=sqlite.dialect())))
            for index in each.indexes:
                self._connection.execute(str(CreateIndex(index, if_not_exists=True).compile(dialect=sqlite.dialect())))

    def all(self, statement: Statement, **values: Any) -> list[sqlite3.Row]:
        """All rows. Raises `AuditUnavailable` when the file cannot be read."""
        with self._lock, _told("read"):
            return self._connection.execute(statement.sql, statement.bind(values)).fetchall()

    def one(self, statement: Statement, **values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    def write(self, unit: Callable[["Writing"], None]) -> None:
        """Run the unit as one transaction. A uniqueness conflict passes through as `sqlite3.IntegrityError`."""
        with self._lock, _told("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                unit(Writing(self._connection))
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def leave_no_copy(self) -> None:
        """Copy the log back and empty it: pages of rows that were deleted stand overwritten in the file alone.

        While somebody reads, the log stays; raises `AuditUnavailable` then, and may be tried again.
        """
        with self._lock, _told("written"):
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise AuditUnavailable("The ledger's file is being read; its log could not be emptied.")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


class Writing:
    """An open transaction."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: Statement, **values: Any) -> None:
        """Run it once."""
        self._connection.execute(statement.sql, statement.bind(values))

    def rows(self, statement: Statement, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it for each row; the row's values stand in the order of the statement's own."""
        self._connection.executemany(statement.sql, rows)


@contextmanager
def _told(act: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise AuditUnavailable(f"The ledger cannot be {act} right now.", detail=str(error)) from error
