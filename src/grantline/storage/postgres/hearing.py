"""Hears that another process committed. Only a number travels; what was committed is read from the tables."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog

from grantline.storage.postgres.commit import CHANNEL
from grantline.storage.postgres.connection import Address, connect

AGAIN_S = 1.0
_log = structlog.get_logger("grantline.storage")


class Hearing:
    """One connection that listens, opened anew whenever it is lost. What is said meanwhile is found by polling."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._listeners: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, listener: Callable[[], None]) -> None:
        """Add a listener; the first one opens the connection."""
        self._listeners.append(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._keep_listening(), name="hearing")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_listening(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                _log.warning("hears_nothing", detail=str(error))
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        """Until the connection is lost."""
        connection: Any = await connect(self._address, "listening")
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self._tell()
            await lost.wait()
        finally:
            connection.terminate()

    def _heard(self, *_: Any) -> None:
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
