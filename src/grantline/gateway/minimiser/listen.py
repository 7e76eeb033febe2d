"""Serves the hop on a socket with uvicorn, inside a process that has its own signals, logs and loop."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import uvicorn

from grantline.gateway.minimiser.asgi import Application
from grantline.gateway.minimiser.settings import Settings


def unix_socket(path: Path) -> socket.socket:
    """A listening-ready Unix socket that only its owner can reach; one left over from before is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    earlier = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(earlier)
    return listener


def tcp_socket(host: str, port: int) -> socket.socket:
    """A listening-ready TCP socket; port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


async def serve(app: Application, listener: socket.socket, stop: asyncio.Event, bounds: Settings | None = None) -> None:
    """Answer on `listener` until `stop` is set, then let calls in flight end and return."""
    limits = bounds or Settings()
    server = _Quiet(_config(app, limits))
    ending = asyncio.create_task(_stop_when(stop, server))
    try:
        await server.serve(sockets=[listener])
    finally:
        ending.cancel()


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the process."""
        yield


def _config(app: Any, bounds: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        # The proxy before us closes idle connections; were we first, a call could meet a closing one.
        timeout_keep_alive=3_600,
        limit_concurrency=bounds.connections * 4,
        timeout_graceful_shutdown=int(bounds.total_timeout_s),
    )


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True
