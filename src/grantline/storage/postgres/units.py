"""Runs a unit of work over a PostgreSQL transaction, holding it to what SQLite holds it to."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

from grantline.model.errors import InvalidRequest
from grantline.storage.postgres.connection import driver
from grantline.storage.postgres.cursor import Connection, PostgresCursor
from grantline.storage.sql.cursor import Cursor

T = TypeVar("T")
Tx = TypeVar("Tx")


async def run_unit(unit: Callable[[Tx], Awaitable[T]], transaction: Callable[[Cursor], Tx], on: Connection) -> T:
    """The unit's answer. Raises `RuntimeError` if it awaits anything but its transaction: it holds everybody's lock.

    Raises `InvalidRequest` for text with NUL, which SQLite holds and PostgreSQL cannot.
    """
    cursor = PostgresCursor(on)
    try:
        return await _Held(cast(Coroutine[Any, Any, T], unit(transaction(cursor))), cursor)
    except driver().CharacterNotInRepertoireError as error:
        # Nothing of ours is ever named with NUL, so whoever sends one has asked for nothing that there could be.
        raise InvalidRequest("A character of this request cannot be kept.", detail=str(error)) from error


class _Held(Generic[T]):
    """Steps a unit by hand, so that each wait can be asked what it is for."""

    def __init__(self, unit: Coroutine[Any, Any, T], cursor: PostgresCursor) -> None:
        self._unit = unit
        self._cursor = cursor

    def __await__(self) -> Generator[Any, Any, T]:
        step, value = self._unit.send, None
        while True:
            try:
                wait = step(value)
            except StopIteration as done:
                return cast(T, done.value)
            if not self._cursor.waits:
                self._unit.close()
                raise RuntimeError("a unit of work awaited something other than its transaction")
            try:
                step, value = self._unit.send, (yield wait)
            except BaseException as error:
                step, value = self._unit.throw, error
