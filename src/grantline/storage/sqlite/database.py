"""One SQLite file: a writer thread that groups whatever waits into one commit, and reads on the caller's thread."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from grantline.model.errors import AuditUnavailable
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sqlite.connection import Connect, connect
from grantline.storage.sqlite.cursor import SqliteCursor
from grantline.storage.sqlite.reserve import Reserve

T = TypeVar("T")
Tx = TypeVar("Tx")
GROUP = 256


class _Waiting(Generic[Tx]):
    """One unit of work and where its answer goes."""

    __slots__ = ("essential", "future", "loop", "outcome", "unit")

    def __init__(self, unit: Callable[[Tx], Awaitable[Any]], essential: bool) -> None:
        self.unit = unit
        self.essential = essential
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.outcome: tuple[bool, Any] = (False, None)


def drive(awaitable: Awaitable[T]) -> T:
    """Run a unit to its end without a loop: everything it awaits is storage, which answers at once."""
    try:
        cast(Coroutine[Any, None, T], awaitable).send(None)
    except StopIteration as done:
        return cast(T, done.value)
    raise RuntimeError("a unit of work awaited something other than its transaction")


class Database(Generic[Tx]):
    """Implements `Work`. `transaction` turns a cursor into what units are written against."""

    def __init__(self, path: Path, transaction: Callable[[Cursor], Tx], *, connect: Connect = connect) -> None:
        self._transaction = transaction
        self._reader = connect(path)
        self._writer = connect(path)
        self._reserve = Reserve(path.with_suffix(".reserve"))
        self._waiting: queue.SimpleQueue[_Waiting[Tx] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=f"writer {path.name}", daemon=True)
        self._thread.start()

    async def write(self, unit: Callable[[Tx], Awaitable[T]], *, essential: bool = False) -> T:
        """Run the unit in the next commit; return after that commit is synced."""
        waiting: _Waiting[Tx] = _Waiting(unit, essential)
        self._waiting.put(waiting)
        return cast(T, await waiting.future)

    async def read(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the unit over one snapshot, on this thread: a point read takes microseconds."""
        self._reader.execute("BEGIN")
        try:
            return drive(unit(self._transaction(SqliteCursor(self._reader))))
        finally:
            self._reader.execute("COMMIT")

    def hear(self, listener: Callable[[], None]) -> None:
        """Nothing is ever told: processes over one file say nothing to each other, so whoever follows looks anew."""

    def close(self) -> None:
        """Finish what waits, then close. Further writes are not accepted."""
        self._waiting.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    def _serve(self) -> None:
        while True:
            group, last = self._gather()
            if group:
                self._commit(group)
            if last:
                return

    def _gather(self) -> tuple[list[_Waiting[Tx]], bool]:
        """Whatever waits now, at least one: the running commit is the batching window."""
        group: list[_Waiting[Tx]] = []
        first = self._waiting.get()
        while first is not None:
            group.append(first)
            if len(group) >= GROUP or self._waiting.empty():
                return group, False
            first = self._waiting.get()
        return group, True

    def _commit(self, group: list[_Waiting[Tx]]) -> None:
        if self._reserve.spent and not self._reserve.restore():
            for waiting in group:
                if not waiting.essential:
                    waiting.outcome = (False, AuditUnavailable("The disk is full; only withdrawals are accepted."))
            refused = [waiting for waiting in group if not waiting.essential]
            _answer(refused)
            group = [waiting for waiting in group if waiting.essential]
            if not group:
                return
        try:
            self._attempt(group)
        except sqlite3.Error as error:
            self._after_failure(group, error)
        _answer(group)

    def _attempt(self, group: list[_Waiting[Tx]]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for waiting in group:
                self._run(waiting)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def _run(self, waiting: _Waiting[Tx]) -> None:
        self._writer.execute("SAVEPOINT unit")
        try:
            waiting.outcome = (True, drive(waiting.unit(self._transaction(SqliteCursor(self._writer)))))
        except sqlite3.OperationalError:
            raise
        except Exception as error:
            self._writer.execute("ROLLBACK TO unit")
            waiting.outcome = (False, error)
        self._writer.execute("RELEASE unit")

    def _after_failure(self, group: list[_Waiting[Tx]], error: sqlite3.Error) -> None:
        """The disk refused. Nothing of the group stands; essential units get one more try on the reserve."""
        unavailable = AuditUnavailable("Nothing can be stored right now; nothing was done.", detail=str(error))
        for waiting in group:
            waiting.outcome = (False, unavailable)
        essential = [waiting for waiting in group if waiting.essential]
        if essential and self._reserve.spend():
            try:
                self._attempt(essential)
            except sqlite3.Error as again:
                for waiting in essential:
                    waiting.outcome = (False, AuditUnavailable("Nothing can be stored right now.", detail=str(again)))


def _answer(group: list[_Waiting[Any]]) -> None:
    """Hand outcomes back, one wake-up per loop."""
    loops = {id(waiting.loop): waiting.loop for waiting in group}
    for key, loop in loops.items():
        mine = [waiting for waiting in group if id(waiting.loop) == key]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(group: list[_Waiting[Any]]) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        done, value = waiting.outcome
        if done:
            waiting.future.set_result(value)
        else:
            waiting.future.set_exception(value)
