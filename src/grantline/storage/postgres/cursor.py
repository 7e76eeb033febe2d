"""Runs statements on a PostgreSQL connection, prepared once per connection by asyncpg."""

from collections.abc import Sequence
from typing import Any, Protocol

from grantline.storage.postgres.dialect import POSTGRES
from grantline.storage.sql.cursor import Row
from grantline.storage.statements import Statement


class Connection(Protocol):
    """What of asyncpg's connection is used here (asyncpg itself is untyped)."""

    async def execute(self, query: str, *args: Any) -> str: ...

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...

    async def fetchrow(self, query: str, *args: Any) -> Any: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...

    async def close(self) -> None: ...

    def terminate(self) -> None: ...

    def is_closed(self) -> bool: ...


class PostgresCursor:
    """Implements `Cursor`. `waits`: true while the unit that holds this cursor waits for the database."""

    __slots__ = ("_connection", "waits")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.waits = False

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """The first row, or None."""
        text = statement.compiled(POSTGRES)
        self.waits = True
        row: Row | None = await self._connection.fetchrow(text.sql, *text.bind(values))
        self.waits = False
        return row

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        """All rows."""
        text = statement.compiled(POSTGRES)
        self.waits = True
        rows: Sequence[Row] = await self._connection.fetch(text.sql, *text.bind(values))
        self.waits = False
        return rows

    async def run(self, statement: Statement, **values: Any) -> int:
        """How many rows were changed. The server says it last: `UPDATE 1`, `INSERT 0 1`."""
        text = statement.compiled(POSTGRES)
        self.waits = True
        told = await self._connection.execute(text.sql, *text.bind(values))
        self.waits = False
        return int(told.rpartition(" ")[2])
