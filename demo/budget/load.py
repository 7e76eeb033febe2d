"""Calls both APIs at a steady rate until told to stop, and writes down each call as this app saw it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

Call = Callable[[str], Awaitable[tuple[int, str | None]]]
"""Makes one call to the named API; status and reason code of the answer, status 0 if there was none."""


class Load:
    """An open loop: call number n starts n / rate seconds after the start, whatever became of the others."""

    def __init__(self, call: Call, log: Path) -> None:
        self._call = call
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._open: set[asyncio.Task[None]] = set()

    def start(self, rate: float, apis: tuple[str, ...], seconds: float) -> None:
        """Begin; a load that still runs is ended first. `seconds` bounds it whatever happens."""
        self.stop()
        self._task = asyncio.create_task(self._run(rate, apis, seconds))

    def stop(self) -> None:
        """Make no further calls; those under way end by themselves."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def settle(self) -> None:
        """Wait until every call under way has its answer."""
        while self._open:
            await asyncio.wait(self._open)

    async def _run(self, rate: float, apis: tuple[str, ...], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        with self._log.open("a", buffering=1) as log:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
                task = loop.create_task(self._one(apis[number % len(apis)], log.write))
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            await asyncio.shield(self.settle())

    async def _one(self, api: str, write: Callable[[str], object]) -> None:
        began_us = time.time_ns() // 1_000
        status, reason = await self._call(api)
        ended_us = time.time_ns() // 1_000
        line = {"api": api, "began_us": began_us, "ended_us": ended_us, "status": status, "reason": reason}
        write(json.dumps(line) + "\n")
