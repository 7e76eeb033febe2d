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

_MAIN = """
import sys
from pathlib import Path
from grantline.ledger.process import run_ledger, run_signer
from grantline.ledger.settings import Places, Settings
from grantline.storage.sqlite.ledger import open_ledger
settings, places = Settings(origin="ledger.example/log", checkpoint_every_ms=200), Places(Path(sys.argv[2]))
run_signer(settings, places) if sys.argv[1] == "signer" else run_ledger(settings, places, open_ledger)
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
