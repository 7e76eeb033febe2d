"""Keeps a gateway at the feed: connects, pings, applies, saves, and connects again, for as long as it lives."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from grantline.gateway.bundle import Bundle
from grantline.gateway.following import Following
from grantline.gateway.table_file import TableFile
from grantline.model.feed import Entries, FromAuthority, FromGateway, Kind, Marks, Welcome
from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """How eagerly a gateway keeps in touch."""

    ping_ms: int = setting(250, help="How often the gateway asks for its lease to be renewed.")
    silent_ms: int = setting(1_500, help="After so long without any message the connection is taken for dead.")
    retry_ms: int = setting(50, help="First pause before connecting again; it doubles up to the longest.")
    longest_retry_ms: int = setting(1_000, help="Longest pause before connecting again.")
    save_ms: int = setting(200, help="How long an applied entry may wait to be saved.")


class Connection(Protocol):
    """A feed connection. Both methods raise what the transport raises once it is broken."""

    async def send(self, message: FromGateway) -> None: ...
    async def receive(self) -> FromAuthority: ...


Connect = Callable[[], AbstractAsyncContextManager[Connection]]
Pause = Callable[[float], Awaitable[None]]


class Follower:
    """Runs `Following` over real connections. `troubles` is told the operator's sentence for each lost session."""

    def __init__(
        self,
        following: Following,
        connect: Connect,
        bundle: Bundle,
        file: TableFile,
        *,
        settings: FollowerSettings | None = None,
        pause: Pause = asyncio.sleep,
        troubles: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._following = following
        self._connect = connect
        self._bundle = bundle
        self._file = file
        self._settings = settings or FollowerSettings()
        self._pause = pause
        self._troubles = troubles
        self._unsaved = asyncio.Event()
        self._announced = asyncio.Event()
        self._announced.set()
        self._outdated = False

    async def run(self) -> None:
        """Until cancelled. While there is no connection the last lease runs out and every call is denied."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_connected())
            tasks.create_task(self._keep_saved())
            tasks.create_task(self._keep_bundle())

    async def _keep_connected(self) -> None:
        wait_ms = self._settings.retry_ms
        while True:
            began = self._following.sessions
            try:
                await self._session()
            except (Exception, ExceptionGroup) as error:  # Whatever broke, the answer is a new session.
                self._troubles(_first(error))
            if self._following.sessions > began:
                wait_ms = self._settings.retry_ms
            await self._pause(wait_ms / 1_000)
            wait_ms = min(wait_ms * 2, self._settings.longest_retry_ms)

    async def _session(self) -> None:
        async with self._connect() as connection:
            await connection.send(self._following.hello())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(connection))
                tasks.create_task(self._speak(connection))

    async def _listen(self, connection: Connection) -> None:
        while True:
            async with asyncio.timeout(self._settings.silent_ms / 1_000):
                message = await connection.receive()
            self._following.receive(message)
            self._outdated = self._outdated or _may_change_bundle(message)
            if isinstance(message, Entries | Welcome):
                self._announced.set()
            if isinstance(message, Entries):
                self._unsaved.set()
                await self._acknowledge(connection)

    async def _speak(self, connection: Connection) -> None:
        while True:
            self._following.tidy()
            await connection.send(self._following.ping())
            await self._acknowledge(connection)
            await self._pause(self._settings.ping_ms / 1_000)

    async def _acknowledge(self, connection: Connection) -> None:
        ack = self._following.acknowledgement()
        if ack is not None:
            await connection.send(ack)

    async def _keep_saved(self) -> None:
        """Off the event loop: the disk may be slow, and a table that is older than memory is never wrong."""
        while True:
            await self._unsaved.wait()
            self._unsaved.clear()
            saved = self._following.table.saved()
            if saved is not None:
                try:
                    await asyncio.to_thread(self._file.save, saved)
                except OSError as error:
                    self._troubles(f"the table could not be saved: {error}")
            await self._pause(self._settings.save_ms / 1_000)

    async def _keep_bundle(self) -> None:
        """Fetch what was announced, again and again until it is here; meanwhile the workers deny."""
        wait_ms = self._settings.retry_ms
        while True:
            await self._announced.wait()
            self._announced.clear()
            while self._bundle_wanted():
                self._outdated = False
                try:
                    await self._bundle.refresh()
                    wait_ms = self._settings.retry_ms
                except Exception as error:  # A bundle that cannot be fetched or compiled is tried again.
                    self._outdated = True
                    self._troubles(f"the bundle could not be loaded: {_first(error)}")
                if self._bundle_wanted():
                    await self._pause(wait_ms / 1_000)
                    wait_ms = min(wait_ms * 2, self._settings.longest_retry_ms)

    def _bundle_wanted(self) -> bool:
        return self._outdated or not self._bundle.loaded(self._marks())

    def _marks(self) -> Marks:
        return self._following.table.marks


def _may_change_bundle(message: FromAuthority) -> bool:
    """Clients' standing and keys are in the bundle and in no mark; a new session may have missed what told of them."""
    match message:
        case Entries(entries=entries):
            return any(entry.kind in (Kind.CLIENT, Kind.KEY) for entry in entries)
        case Welcome():
            return True
        case _:
            return False


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
