"""One commit of a group of units: under the lock of writers, each unit in its own savepoint, its fate never guessed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from grantline.storage.postgres.connection import WRITERS, is_passing, is_undone
from grantline.storage.postgres.cursor import Connection
from grantline.storage.postgres.units import run_unit
from grantline.storage.sql.cursor import Cursor

Tx = TypeVar("Tx")
CHANNEL = "grantline_commits"


class Waiting(Protocol[Tx]):
    """A unit, and what came of it: (True, answer) or (False, error)."""

    unit: Callable[[Tx], Awaitable[Any]]
    outcome: tuple[bool, Any]


class InDoubt(Exception):
    """The connection was lost while the commit was under way. `xid` tells what became of it, once somebody answers."""

    def __init__(self, xid: str) -> None:
        super().__init__(f"the commit of transaction {xid} was not confirmed")
        self.xid = xid


class Commit(Generic[Tx]):
    """Runs groups on one connection."""

    def __init__(self, connection: Connection, transaction: Callable[[Cursor], Tx]) -> None:
        self._on = connection
        self._transaction = transaction

    async def run(self, group: Sequence[Waiting[Tx]]) -> None:
        """All units that did not fail are durable when this returns. Raises `InDoubt` and what asyncpg raises."""
        # The lock is asked for by a statement of its own: what follows then sees what its last holder committed.
        await self._on.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS}); SAVEPOINT unit")
        xid = str(await self._on.fetchval("SELECT pg_current_xact_id()::text"))
        for number, waiting in enumerate(group):
            if number:
                await self._on.execute("RELEASE SAVEPOINT unit; SAVEPOINT unit")
            await self._run(waiting)
        try:
            await self._on.execute(f"NOTIFY {CHANNEL}, '{xid}'; COMMIT")
        except BaseException as error:
            if is_undone(error):
                raise
            raise InDoubt(xid) from error

    async def _run(self, waiting: Waiting[Tx]) -> None:
        try:
            waiting.outcome = (True, await run_unit(waiting.unit, self._transaction, self._on))
        except Exception as error:
            if is_passing(error):
                raise
            waiting.outcome = (False, error)
            await self._on.execute("ROLLBACK TO SAVEPOINT unit")


async def is_committed(connection: Connection, xid: str) -> bool | None:
    """What became of a transaction, by the server's own record; None if it no longer knows."""
    for _ in range(50):
        status = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", xid)
        if status != "in progress":
            return None if status is None else status == "committed"
        await asyncio.sleep(0.1)
    return None
