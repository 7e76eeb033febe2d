"""Starts the processes of a feed test and a network between them that the test can cut, hold and replay."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


class Process:
    """A child that answers lines of JSON."""

    def __init__(self, child: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self._child = child
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.ready = ready
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, module: str, *arguments: object) -> "Process":
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"tests.faults.feed.{module}",
            *map(str, arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert child.stdout is not None
        return cls(child, json.loads(await child.stdout.readline()))

    async def ask(self, do: str, **arguments: Any) -> Any:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
        return await asyncio.wait_for(self._waiting[number], 30)

    async def until(self, met: Callable[[Any], bool], seconds: float, do: str, **arguments: Any) -> float:
        """Ask again and again until the answer fits; returns how many seconds that took."""
        began = time.monotonic()
        while not met(answer := await self.ask(do, **arguments)):
            assert time.monotonic() - began < seconds, f"still {answer!r} after {seconds} s"
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    def signal(self, number: int) -> None:
        os.kill(self._child.pid, number)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGCONT)
            self._child.kill()
        await self._child.wait()
        self._reading.cancel()

    async def _read(self) -> None:
        assert self._child.stdout is not None
        while line := await self._child.stdout.readline():
            told = json.loads(line)
            self._waiting.pop(told["id"]).set_result(told["answer"])


class Network:
    """A TCP proxy between gateways and authority. `cut`: nothing passes. `replay`: only old beats come back."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.cut = False
        self.replay = False
        self._beat = b""
        self._open: set[asyncio.StreamWriter] = set()

    async def listen(self) -> "Network":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def break_connections(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def close(self) -> None:
        self._server.close()
        self.break_connections()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.cut:
                return
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
            self._open.add(forth)
            await asyncio.gather(self._up(reader, forth), self._down(back, writer), return_exceptions=True)
            self._open.discard(forth)
            forth.close()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if not self.cut:
                writer.write(data)
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whole frames after the handshake, so that a beat can be kept and sent again."""
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        held = b""
        while data := await reader.read(65_536):
            held += data
            while (end := _frame(held)) is not None:
                self._pass(held[:end], writer)
                held = held[end:]
            if not held.startswith((b"\x81", b"\x88", b"\x8a")):
                self._pass(held, writer)
                held = b""
        writer.close()

    def _pass(self, frame: bytes, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            return
        if b'"type":"beat"' in frame:
            if self.replay:
                frame = self._beat
            self._beat = frame
        writer.write(frame)


def _frame(data: bytes) -> int | None:
    """Length of the first unmasked WebSocket frame (RFC 6455 §5.2); None if it is not whole, or not a frame."""
    if len(data) < 2 or not data.startswith((b"\x81", b"\x88", b"\x8a")):
        return None
    short = data[1] & 0x7F
    header, size = (2, short) if short < 126 else (4, int.from_bytes(data[2:4], "big"))
    return header + size if len(data) >= header + size else None
