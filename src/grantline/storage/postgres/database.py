"""The state in PostgreSQL: one task that groups whatever waits into one commit, a few connections that read."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import structlog

from grantline.model.errors import AuditUnavailable
from grantline.storage.postgres.commit import Commit, InDoubt, is_committed
from grantline.storage.postgres.connection import Address, connect, is_passing
from grantline.storage.postgres.cursor import Connection
from grantline.storage.postgres.hearing import Hearing
from grantline.storage.postgres.reading import Readers
from grantline.storage.sql.cursor import Cursor

T = TypeVar("T")
Tx = TypeVar("Tx")
GROUP = 64
TRIES = 3
READERS = 8
_log = structlog.get_logger("grantline.storage")


class _Waiting(Generic[Tx]):
    """One unit of work and where its answer goes."""

    __slots__ = ("future", "outcome", "unit")

    def __init__(self, unit: Callable[[Tx], Awaitable[Any]]) -> None:
        self.unit = unit
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.outcome: tuple[bool, Any] = (False, None)

    def answer(self) -> None:
        """Hand the outcome to whoever waits, unless nobody does any more."""
        done, value = self.outcome
        if self.future.done():
            return
        if done:
            self.future.set_result(value)
        else:
            self.future.set_exception(value)


class PostgresDatabase(Generic[Tx]):
    """Implements `Work`. Made and used on one event loop; `transaction` as for SQLite.

    `essential` units are treated like all others: no disk of ours is full, and the server keeps no reserve for us.
    """

    def __init__(self, address: Address, transaction: Callable[[Cursor], Tx]) -> None:
        self._address = address
        self._transaction = transaction
        self._readers = Readers(address, transaction, READERS)
        self._waiting: deque[_Waiting[Tx]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._connection: Connection | None = None
        self._hearing = Hearing(address)
        self._writer = asyncio.create_task(self._serve(), name="writer")

    async def write(self, unit: Callable[[Tx], Awaitable[T]], *, essential: bool = False) -> T:  # noqa: ARG002
        """Run the unit in the next commit; return after that commit is synced."""
        waiting: _Waiting[Tx] = _Waiting(unit)
        self._waiting.append(waiting)
        self._wake.set()
        return cast(T, await waiting.future)

    async def read(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the unit over one snapshot."""
        return await self._readers.read(unit)

    def hear(self, listener: Callable[[], None]) -> None:
        """Call `listener` on the loop when another process committed. May be late or doubled, never relied on."""
        self._hearing.start(listener)

    async def close(self) -> None:
        """Finish what waits, then close. Further writes are not accepted."""
        self._closing = True
        self._wake.set()
        await self._writer
        await self._hearing.close()
        self._readers.close()
        self._drop()

    async def _serve(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                await self._commit(group)
                for waiting in group:
                    waiting.answer()

    async def _commit(self, group: Sequence[_Waiting[Tx]]) -> None:
        """Units run again from the start when the database asks for it: until the commit, nothing of them stands."""
        error: Exception | None = None
        for _ in range(TRIES):
            try:
                await Commit(await self._connected(), self._transaction).run(group)
            except InDoubt as doubt:
                self._drop()
                fate = await self._fate(doubt.xid)
                if fate is True:
                    return
                error = doubt
                if fate is None:
                    break
            except Exception as failure:
                self._drop()
                error = failure
                if not is_passing(failure):
                    break
            else:
                return
        self._refuse(group, cast(Exception, error))

    async def _fate(self, xid: str) -> bool | None:
        """Whether a commit stands whose answer was lost; None if nobody could be asked."""
        for pause in (0.05, 0.2, 1.0, 3.0):
            try:
                return await is_committed(await self._connected(), xid)
            except Exception as error:
                self._drop()
                if not is_passing(error):
                    return None
                await asyncio.sleep(pause)
        return None

    def _refuse(self, group: Sequence[_Waiting[Tx]], error: Exception) -> None:
        _log.error("state_unavailable", detail=str(error), units=len(group))
        said = "Nothing can be stored right now; nothing was done."
        if isinstance(error, InDoubt):
            said = "The database went away in the middle of this; look whether it was done."
        for waiting in group:
            waiting.outcome = (False, AuditUnavailable(said, detail=str(error)))

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._address, "writing")
        return self._connection

    def _drop(self) -> None:
        """Whatever the connection was in the middle of, the server undoes it."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
