"""How fast tokens are refreshed over real sockets; every answer waits for its durable commit.

Two ways: a public client with DPoP, and a confidential client with private_key_jwt; both rotate. The server is a
process of its own. Prints JSON: for each way and number of connections the rate (requests/s), p50 and p99 (ms), and
the server's CPU (ms a request). Run it as `python bench/tokens.py --seconds 3 --connections 1,16,64`.
"""

import argparse
import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
import uvicorn
import uvloop

from grantline.authorization import Keys, Settings, endpoints
from grantline.crypto.es256 import SigningKey
from grantline.model.clock import SystemClock
from grantline.parties import Client
from grantline.sdk.client import Prover
from tests.authorization_world import APP_KEY, CONFIDENTIAL, ISSUER, PUBLIC, World, make_world

WAYS = {"dpop": PUBLIC, "private_key_jwt": CONFIDENTIAL}
UNBOUND = Settings(requests_per_minute=10**9, burned_capacity=10**8)


@dataclass
class App:
    """One connected app: who it is and the refresh token it holds now."""

    prover: Prover
    refresh_token: str

    def request(self) -> bytes:
        """The bytes of its next refresh."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        body = urlencode({**form, **self.prover.client_parameters(ISSUER)}).encode()
        proof = "".join(
            f"{name}: {value}\r\n" for name, value in self.prover.headers("POST", f"{ISSUER}/token").items()
        )
        head = (
            f"POST /token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\n{proof}\r\n"
        )
        return head.encode() + body


async def open_world(path: Path, pem: Path, *, fresh: bool, seed: int) -> World:
    """A server over the file with the keys in `pem`, on the machine's own clock."""
    keys = Keys.of(SigningKey.from_pem(pem.read_bytes()), b"k" * 32)  # noqa: ASYNC240 - before anything is served
    clock = SystemClock()
    return await make_world(path, settings=UNBOUND, clock=clock, fresh=fresh, seed=seed, keys=keys)  # type: ignore[arg-type]


async def serve(path: Path, pem: Path) -> None:
    """The server process: prints its port and serves until it is ended."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    world = await open_world(path, pem, fresh=False, seed=int.from_bytes(os.urandom(3), "big"))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    # The kernel queues connections from here on, so whoever reads the port may connect at once.
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(endpoints(world.server), log_level="error", access_log=False, http="httptools")
    await uvicorn.Server(config).serve(sockets=[listening])


async def connected(world: World, registration: Client, count: int) -> list[App]:
    """Apps that a person has just allowed."""
    apps = []
    for _ in range(count):
        key = SigningKey.generate() if registration.dpop_bound else None
        assertion = APP_KEY if registration.confidential else None
        tokens = await world.connect(world.app(registration, dpop=key), prompt="consent")
        apps.append(App(Prover(registration.id, key, assertion), tokens.refresh_token or ""))
    return apps


async def refresh(app: App, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """One refresh over an open connection; seconds from the last byte sent to the last received."""
    request = app.request()
    began = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    took = time.perf_counter() - began
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(body.decode())
    app.refresh_token = json.loads(body)["refresh_token"]
    return took


async def load(apps: list[App], port: int, seconds: float) -> list[float]:
    """Every app refreshes as fast as it is answered, each over its own connection."""
    until = time.perf_counter() + seconds

    async def run(app: App) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took = []
        while time.perf_counter() < until:
            took.append(await refresh(app, reader, writer))
        writer.close()
        return took

    return [one for several in await asyncio.gather(*map(run, apps)) for one in several]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(world: World, pid: int, port: int, way: str, connections: int, seconds: float) -> dict[str, object]:
    """One row of the result."""
    apps = await connected(world, WAYS[way], connections)
    await load(apps, port, min(0.5, seconds))
    before = cpu_seconds(pid)
    began = time.perf_counter()
    took = sorted(await load(apps, port, seconds))
    elapsed = time.perf_counter() - began
    return {
        "way": way,
        "connections": connections,
        "requests": len(took),
        "rate": round(len(took) / elapsed),
        "p50_ms": round(took[len(took) // 2] * 1_000, 2),
        "p99_ms": round(took[len(took) * 99 // 100] * 1_000, 2),
        "cpu_ms": round((cpu_seconds(pid) - before) / len(took) * 1_000, 3),
    }


async def bench(seconds: float, counts: list[int]) -> dict[str, object]:
    """All rows, against one server process."""
    with tempfile.TemporaryDirectory() as directory:
        path, pem = Path(directory) / "state.db", Path(directory) / "token.pem"
        pem.write_bytes(SigningKey.generate().to_pem())
        world = await open_world(path, pem, fresh=True, seed=1)
        command = [sys.executable, __file__, "--serve", str(path), str(pem)]
        server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            port = int(await server.stdout.readline())
            rows = [await measure(world, server.pid, port, way, count, seconds) for way in WAYS for count in counts]
        finally:
            server.terminate()
            await server.wait()
            await world.close()
    return {"what": "refresh", "at": int(time.time()), "cores": os.cpu_count(), "rows": rows}


def main() -> None:
    """Read the command line."""
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("--seconds", type=float, default=3.0)
    reading.add_argument("--connections", default="1,16,64")
    reading.add_argument("--serve", nargs=2, metavar=("FILE", "KEY"), help=argparse.SUPPRESS)
    told = reading.parse_args()
    if told.serve:
        uvloop.run(serve(Path(told.serve[0]), Path(told.serve[1])))
        return
    counts = [int(count) for count in told.connections.split(",")]
    print(json.dumps(asyncio.run(bench(told.seconds, counts)), indent=2))


if __name__ == "__main__":
    main()
