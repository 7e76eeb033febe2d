"""The authority's state, migrated and open; and what happens after each commit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import structlog

from grantline.app.database import choose
from grantline.app.places import Places
from grantline.model.errors import AuditUnavailable, InvalidConfiguration
from grantline.model.ports import Work
from grantline.storage.migrations import migrate
from grantline.storage.settings import StorageSettings
from grantline.storage.sql.transaction import SqlTransaction
from grantline.storage.sqlite.connection import Connect, connect
from grantline.storage.sqlite.database import Database

_log = structlog.get_logger("grantline.app")
T = TypeVar("T")
AGAIN_S = 1.0


class State(Work[SqlTransaction], Protocol):
    """The open database."""

    def hear(self, listener: Callable[[], None]) -> None:
        """Call `listener` on the loop when another process committed, where the database tells."""
        ...


@asynccontextmanager
async def open_state(
    data: Path, *, create: bool = False, connect: Connect = connect, storage: StorageSettings | None = None
) -> AsyncIterator[State]:
    """The state of the instance. Safe while it is being served: the database orders the writers of all processes.

    `storage`: as the settings say; absent, the database that the instance was last served from. Raises
    `InvalidConfiguration` when there is none and `create` does not ask for one.
    """
    chosen = choose(data, storage)
    opened = _postgres(data, chosen, create) if chosen.url is not None else _sqlite(data, create, connect)
    async with opened as state:
        yield state


async def answers(data: Path, storage: StorageSettings, stop: asyncio.Event) -> bool:
    """Wait until the database of the state can be opened; False if it is `stop` that came first.

    A process that others rely on waits for its database like a service for the network: ending would not bring it.
    Raises `InvalidConfiguration` where waiting is no use.
    """
    told = ""
    while not stop.is_set():
        try:
            async with open_state(data, create=True, storage=storage):
                return True
        except AuditUnavailable as error:
            if error.message != told:
                told = error.message
                _log.error("state_does_not_answer", error=told)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_S)
    return False


@asynccontextmanager
async def _sqlite(data: Path, create: bool, connect: Connect) -> AsyncIterator[State]:
    path = await asyncio.to_thread(_migrated, data, create)
    database = Database(path, SqlTransaction, connect=connect)
    try:
        yield database
    finally:
        await asyncio.to_thread(database.close)


@asynccontextmanager
async def _postgres(data: Path, storage: StorageSettings, create: bool) -> AsyncIterator[State]:
    # Loaded here alone: the driver and SQLAlchemy's dialect are 3 MiB that an instance on SQLite does without.
    from grantline.storage.migrations.postgres import prepare
    from grantline.storage.postgres.connection import Address
    from grantline.storage.postgres.database import PostgresDatabase

    assert storage.url is not None
    address = Address(storage.url, storage.password_file)
    if not await prepare(address, create=create):
        raise _none_here(data)
    database = PostgresDatabase(address, SqlTransaction)
    try:
        yield database
    finally:
        await database.close()


def _none_here(data: Path) -> InvalidConfiguration:
    return InvalidConfiguration(f"{data} holds no Grantline instance; name one with --data.")


def _migrated(data: Path, create: bool) -> Path:
    path = Places(data).state
    if not path.exists() and not create:
        raise _none_here(data)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    migrate(path, "state")
    return path


class WakingWork:
    """`Work` that tells the feed and the relay of each commit, so that neither waits for its next look."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._listeners: list[Callable[[], None]] = []
        state.hear(self._tell)

    def after_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` on the loop after every write that returned, and when another process tells of one."""
        self._listeners.append(listener)

    async def write(self, unit: Callable[[SqlTransaction], Awaitable[T]], *, essential: bool = False) -> T:
        """As `Work.write`."""
        outcome = await self._state.write(unit, essential=essential)
        self._tell()
        return outcome

    async def read(self, unit: Callable[[SqlTransaction], Awaitable[T]]) -> T:
        """As `Work.read`."""
        return await self._state.read(unit)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


class RecordedWork:
    """`Work` for what must not be done while its record lags: beyond a bound everything is refused but endings."""

    def __init__(self, work: WakingWork, lag_us: Callable[[], int], most_us: int) -> None:
        self._work, self._lag_us, self._most_us = work, lag_us, most_us

    async def write(self, unit: Callable[[SqlTransaction], Awaitable[T]], *, essential: bool = False) -> T:
        """As `Work.write`. Raises `AuditUnavailable` when the ledger has taken nothing for too long."""
        lag_us = self._lag_us()
        if not essential and lag_us > self._most_us:
            detail = f"the ledger took nothing for {lag_us // 1_000_000} s"
            _log.error("record_lags", detail=detail)
            raise AuditUnavailable("The record cannot be written right now; nothing was done.", detail=detail)
        return await self._work.write(unit, essential=essential)

    async def read(self, unit: Callable[[SqlTransaction], Awaitable[T]]) -> T:
        """As `Work.read`."""
        return await self._work.read(unit)
