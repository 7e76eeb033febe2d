"""Runs statements on a SQLite connection. Its methods await nothing, so a unit is driven to its end without a loop."""

import sqlite3
from typing import Any

from grantline.storage.statements import Statement


class SqliteCursor:
    """Implements `Cursor`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def one(self, statement: Statement, **values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(statement.sql, statement.bind(values)).fetchone()
        return row

    async def all(self, statement: Statement, **values: Any) -> list[sqlite3.Row]:
        """All rows."""
        return self._connection.execute(statement.sql, statement.bind(values)).fetchall()

    async def run(self, statement: Statement, **values: Any) -> int:
        """How many rows were changed."""
        return self._connection.execute(statement.sql, statement.bind(values)).rowcount
