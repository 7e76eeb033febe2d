"""The load beside a bench: the process bench.load, told what to call under and listened to."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from demo.world import World
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Tokens

ROOT = Path(__file__).parents[1]
PATIENCE_S = 20.0

Paths = Mapping[str, tuple[str, str]]
"""Label of a gateway → name of its port in the world, and the path that is called there."""


class Watched:
    """The load process, and what it has told so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._first: dict[tuple[str, str, str], asyncio.Future[dict[str, Any]]] = {}
        self.calls: dict[str, dict[str, int]] = {}
        self._reading = asyncio.create_task(self._read())

    async def turn_to(self, tokens: Tokens) -> None:
        """Have it call under this grant from now on."""
        assert self._process.stdin is not None
        said = {"grant": tokens.grant_id, "token": tokens.access_token}
        self._process.stdin.write(json.dumps(said).encode() + b"\n")
        await self._process.stdin.drain()

    async def first(self, what: str, grant: str, api: str) -> dict[str, Any]:
        """Its first permit or denial there, once there is one."""
        return await asyncio.wait_for(self._awaited(what, grant, api), PATIENCE_S)

    async def end(self) -> None:
        """No more calls; everything told."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._reading, PATIENCE_S)

    def _awaited(self, what: str, grant: str, api: str) -> "asyncio.Future[dict[str, Any]]":
        return self._first.setdefault((what, grant, api), asyncio.get_running_loop().create_future())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "calls" in said:
                self.calls[said["grant"]] = said["calls"]
            else:
                self._awaited(said["what"], said["grant"], said["api"]).set_result(said)


@asynccontextmanager
async def loading(world: World, key: SigningKey, rate: float, paths: Paths) -> AsyncIterator[Watched]:
    """The load process, without anything to call under yet: `rate` calls a second at each of `paths`."""
    pem = world.folder / "load.pem"
    pem.write_bytes(key.to_pem())
    places = [f"{api}={world.ports[port]}/{path}" for api, (port, path) in paths.items()]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", str(pem), str(rate), *places, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Watched(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
