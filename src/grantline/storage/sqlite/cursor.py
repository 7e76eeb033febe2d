"""What every store of this database works with: run a prepared statement, get rows."""

import sqlite3
from typing import Any

from grantline.storage.statements import Statement


class Cursor:
    """One transaction's view of the database."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def one(self, statement: Statement, **values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(statement.sql, statement.bind(values)).fetchone()
        return row

    def all(self, statement: Statement, **values: Any) -> list[sqlite3.Row]:
        """All rows."""
        return self._connection.execute(statement.sql, statement.bind(values)).fetchall()

    def run(self, statement: Statement, **values: Any) -> int:
        """How many rows were changed."""
        return self._connection.execute(statement.sql, statement.bind(values)).rowcount
