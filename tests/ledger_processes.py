"""The ledger and the signer as real processes on one data directory, for tests of crashes and of the wire."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from grantline.crypto.es256 import SigningKey
from grantline.ledger.client import LedgerClient
from grantline.ledger.settings import Places
from grantline.model.errors import AuditUnavailable

# As `grantline.app` runs them, without importing the rest of the program: a test of kills starts many.
_MAIN = """
import asyncio, os, signal, sys
from contextlib import AsyncExitStack
from pathlib import Path
from grantline.ledger.settings import Places, Settings
from grantline.ledger.signer import Signer, listen, make_way, serve_signer

settings, places = Settings(origin="ledger.example/log", checkpoint_every_ms=200), Places(Path(sys.argv[2]))

async def signer(stop):
    signer = Signer(places.signer, settings.origin)
    server = await serve_signer(signer, listen(places.signer_socket), os.geteuid())
    async with server:
        await stop.wait()

async def ledger(stop):
    import uvicorn
    from grantline.ledger.process import open_ledger
    from grantline.storage.sqlite.ledger import open_ledger as open_stores
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(settings, places, open_stores, stack)
        make_way(places.ledger_socket)
        config = uvicorn.Config(ledger.app, uds=str(places.ledger_socket), lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        tasks = [asyncio.create_task(server._serve()), asyncio.create_task(ledger.keep_publishing())]
        await stop.wait()
        server.should_exit = True
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await ledger.publish_rest()

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await {"signer": signer, "ledger": ledger}[sys.argv[1]](stop)

asyncio.run(main())
"""


class Processes:
    """Starts and kills them; `key` is the authority's as a producer."""

    def __init__(self, data: Path) -> None:
        self.places = Places(data)
        self.key = SigningKey.generate()
        self.places.ledger.mkdir(parents=True)
        self.places.producers.write_bytes(msgspec.json.encode({"authority": self.key.public.jwk}))
        self._signer: subprocess.Popen[bytes] | None = None
        self.ledger: subprocess.Popen[bytes] | None = None

    def start_signer(self) -> None:
        self._signer = self._start("signer")

    def start_ledger(self, *prefix: str) -> subprocess.Popen[bytes]:
        self.ledger = self._start("ledger", *prefix)
        return self.ledger

    def client(self, producer: str = "authority", key: SigningKey | None = None) -> LedgerClient:
        return LedgerClient(self.places.ledger_socket, producer, key or self.key)

    def kill_ledger(self) -> None:
        assert self.ledger is not None
        self.ledger.send_signal(signal.SIGKILL)
        self.ledger.wait()

    def stop(self) -> None:
        for process in (self.ledger, self._signer):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(timeout=20)

    def _start(self, role: str, *prefix: str) -> subprocess.Popen[bytes]:
        command = [*prefix, sys.executable, "-c", _MAIN, role, str(self.places.data)]
        return subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stderr=subprocess.DEVNULL)


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 5.0) -> None:
    """Return as soon as it holds; fail if it never does."""
    async with asyncio.timeout(within_s):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.005)


async def answered(client: LedgerClient, within_s: float = 30.0) -> tuple[int, str]:
    """The head, as soon as the ledger answers."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await client.head()
        except AuditUnavailable:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.02)
