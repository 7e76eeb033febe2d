"""Runs an ASGI application with uvicorn inside a process that has its own signals, and the tasks beside it."""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from socket import socket

import uvicorn

from grantline.model.errors import GrantlineError

Task = Callable[[], Awaitable[None]]


class CannotListen(GrantlineError):
    """The address is another program's, or not this machine's."""


class _Server(uvicorn.Server):
    """Says when it answers calls, and leaves signals to the process."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Bind, then tell."""
        try:
            await super().startup(sockets)
        except SystemExit as ended:
            # uvicorn ends the whole program, with the reason underneath; ours has more to close than a server.
            reason = ended.__context__
            taken = isinstance(reason, OSError) and reason.errno == errno.EADDRINUSE
            why = "another program uses it" if taken else str(reason)
            where = self.config.uds or f"{self.config.host}:{self.config.port}"
            raise CannotListen(f"Cannot listen on {where}: {why}.") from reason
        if not self.should_exit:
            self._started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: `stop` comes from outside."""
        yield


async def serve(
    config: uvicorn.Config,
    tasks: Sequence[Task],
    started: Callable[[], None],
    stop: asyncio.Event,
    *,
    doors: Sequence[uvicorn.Config] = (),
) -> None:
    """Serve until `stop`, or until a server or one of the tasks ends; raises what one of them raised.

    `doors`: further listeners of the same process. `started` is called when all of them answer.
    """
    waiting = [config, *doors]

    def one_more() -> None:
        waiting.pop()
        if not waiting:
            started()

    servers = [_Server(one, one_more) for one in (config, *doors)]
    beside = [asyncio.ensure_future(task()) for task in tasks]
    serving = [asyncio.create_task(server.serve()) for server in servers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*serving, stopping, *beside], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving, return_exceptions=True)
    for task in (stopping, *beside):
        task.cancel()
    for outcome in await asyncio.gather(*beside, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    for one in serving:
        one.result()
