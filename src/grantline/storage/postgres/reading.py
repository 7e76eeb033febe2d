"""Reads: a few connections to the primary, each unit over one snapshot."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from grantline.model.errors import AuditUnavailable
from grantline.storage.postgres.connection import Address, connect, driver, is_passing
from grantline.storage.postgres.cursor import Connection
from grantline.storage.postgres.units import run_unit
from grantline.storage.sql.cursor import Cursor

T = TypeVar("T")
Tx = TypeVar("Tx")
TRIES = 2


class Readers(Generic[Tx]):
    """At most `most` connections, opened when they are first needed, the last used first."""

    def __init__(self, address: Address, transaction: Callable[[Cursor], Tx], most: int) -> None:
        self._address = address
        self._transaction = transaction
        self._free: list[Connection] = []
        self._places = asyncio.Semaphore(most)

    async def read(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        """The unit's answer. Raises `AuditUnavailable` while the database cannot be reached."""
        async with self._places:
            for left in reversed(range(TRIES)):
                try:
                    return await self._try(unit)
                except Exception as error:
                    # A connection that stood idle may be gone without our knowing; so may all others that did.
                    # A unit that writes where it should read is a mistake of ours, not of the database.
                    if not is_passing(error) or isinstance(error, driver().ReadOnlySQLTransactionError):
                        raise
                    self.close()
                    if not left:
                        raise AuditUnavailable("Nothing can be read right now.", detail=str(error)) from error
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close what stands idle."""
        while self._free:
            self._free.pop().terminate()

    async def _try(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        connection = self._free.pop() if self._free else await connect(self._address, "reading")
        try:
            # Read only and repeatable, as the connection was opened: one snapshot for all statements of the unit.
            await connection.execute("BEGIN")
            answer = await run_unit(unit, self._transaction, connection)
            await connection.execute("COMMIT")
        except BaseException:
            # A cancelled or failed unit leaves it in the middle of something: it is not used again.
            connection.terminate()
            raise
        self._free.append(connection)
        return answer
