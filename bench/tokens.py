"""How fast tokens are asked for over real sockets; every answer waits for its durable commit.

    python -m bench.tokens [--seconds 3] [--connections 1,16,64] [--codes 200]

Two kinds of client: public with DPoP, and confidential with private_key_jwt. Each pushes requests, redeems codes and
refreshes with rotation. The server is a process of its own, alone on the first core, so rates are of one core; the
client signs on another. Prints {"tokens": {"rows": [{"what", "way", "connections", "requests", "rate", "p50_ms",
"p99_ms", "cpu_ms"}, …], "memory_mib"}}: rate in requests/s, `cpu_ms` the server's for a request, memory of the server
(PSS) at the end.
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
from typing import Any
from urllib.parse import urlencode

import structlog
import uvicorn
import uvloop

from bench.machine import memory_mib
from bench.rows import Row, Rows
from bench.statistic import median, percentile
from grantline.authorization import Keys, Settings, oauth_endpoints
from grantline.crypto.es256 import SigningKey
from grantline.model.clock import SystemClock
from grantline.parties import Client
from grantline.sdk.client import Prover
from tests.authorization_world import APP_KEY, CONFIDENTIAL, ISSUER, PUBLIC, World, make_world, nonces_of, query_of

NAME = "tokens"
FULL = ("--seconds", "1", "--connections", "1,16,64", "--codes", "200")
QUICK = ("--seconds", "0.2", "--connections", "1,4", "--codes", "8")
ROOT = Path(__file__).parents[1]
PATIENCE_S = 30.0
SHOWN = {"rate": ("rate", "requests/s"), "p50_ms": ("p50", "ms"), "p99_ms": ("p99", "ms"),
         "cpu_ms": ("server CPU", "ms/request")}  # fmt: skip
WAYS = {"dpop": PUBLIC, "private_key_jwt": CONFIDENTIAL}
PAIRWISE = b"k" * 32
NONCES = nonces_of(PAIRWISE)
"""Those of the server: a client would have learned them from its last answer."""
UNBOUND = Settings(requests_per_minute=10**9, burned_capacity=10**8)


@dataclass(frozen=True)
class Ask:
    """One request of a client. `made`: its bytes, with a fresh proof and assertion."""

    prover: Prover
    path: str
    form: dict[str, str]

    def made(self) -> bytes:
        body = urlencode({**self.form, **self.prover.client_parameters(ISSUER)}).encode()
        told = self.prover.headers("POST", f"{ISSUER}{self.path}", nonce=NONCES.current(int(time.time())))
        proof = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\n{proof}\r\n"
        )
        return head.encode() + body


class Refreshing:
    """An app that refreshes for as long as it is asked to, each time with the token it got last."""

    def __init__(self, prover: Prover, refresh_token: str) -> None:
        self._prover, self._token = prover, refresh_token

    def next(self) -> Ask:
        """Its next request."""
        return Ask(self._prover, "/token", {"grant_type": "refresh_token", "refresh_token": self._token})

    def heard(self, answer: bytes) -> None:
        """Keep the successor."""
        self._token = json.loads(answer)["refresh_token"]


class Listed:
    """Requests that were made ready before."""

    def __init__(self, asks: list[Ask]) -> None:
        self._asks = asks

    def next(self) -> Ask | None:
        """One that nobody took yet; None when all are gone."""
        return self._asks.pop() if self._asks else None

    def heard(self, answer: bytes) -> None:
        """Nothing follows from it."""


Asking = Refreshing | Listed


async def open_world(path: Path, pem: Path, *, fresh: bool, seed: int) -> World:
    """A server over the file with the keys in `pem`, on the machine's own clock."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    keys = Keys.of(SigningKey.from_pem(pem.read_bytes()), PAIRWISE)  # noqa: ASYNC240 - before anything is served
    clock = SystemClock()
    return await make_world(path, settings=UNBOUND, clock=clock, fresh=fresh, seed=seed, keys=keys)  # type: ignore[arg-type]


async def serve(path: Path, pem: Path) -> None:
    """The server process: prints its port and serves until it is ended."""
    world = await open_world(path, pem, fresh=False, seed=int.from_bytes(os.urandom(3), "big"))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    # The kernel queues connections from here on, so whoever reads the port may connect at once.
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(oauth_endpoints(world.server), log_level="error", access_log=False, http="httptools")
    await uvicorn.Server(config).serve(sockets=[listening])


def prover_of(registration: Client) -> Prover:
    """A new app of this registration."""
    key = SigningKey.generate() if registration.dpop_bound else None
    return Prover(registration.id, key, APP_KEY if registration.confidential else None)


async def refreshing(world: World, registration: Client, count: int) -> list[Asking]:
    """Apps that a person has just allowed."""
    apps: list[Asking] = []
    for _ in range(count):
        prover = prover_of(registration)
        tokens = await world.connect(world.app(registration, dpop=prover.dpop), prompt="consent")
        apps.append(Refreshing(prover, tokens.refresh_token or ""))
    return apps


async def redeeming(world: World, registration: Client, count: int) -> Listed:
    """Codes that a person has just allowed and nobody has redeemed."""
    asks = []
    for _ in range(count):
        prover = prover_of(registration)
        begun = await world.app(registration, dpop=prover.dpop).begin(scope="bank.transactions", prompt="consent")
        form = {"grant_type": "authorization_code", "code": query_of(await world.allow(begun))["code"],
                "redirect_uri": begun.redirect_uri, "code_verifier": begun.verifier}  # fmt: skip
        asks.append(Ask(prover, "/token", form))
    return Listed(asks)


def pushing(registration: Client, count: int) -> Listed:
    """Authorization requests to be pushed."""
    form = {"response_type": "code", "redirect_uri": registration.redirect_uris[0], "scope": "bank.transactions",
            "code_challenge": "c" * 43, "code_challenge_method": "S256"}  # fmt: skip
    prover = prover_of(registration)
    return Listed([Ask(prover, "/par", form | {"state": f"s{number}"}) for number in range(count)])


async def ask(asking: Asking, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float | None:
    """One request over an open connection; seconds from the last byte sent to the last received."""
    wanted = asking.next()
    if wanted is None:
        return None
    request = wanted.made()
    began = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    took = time.perf_counter() - began
    if not head.startswith(b"HTTP/1.1 20"):
        raise RuntimeError(body.decode())
    asking.heard(body)
    return took


async def load(apps: list[Asking], port: int, seconds: float) -> list[float]:
    """Everyone asks as fast as they are answered, each over their own connection, until nothing is left to ask."""
    until = time.perf_counter() + seconds

    async def run(app: Asking) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took = []
        while time.perf_counter() < until and (one := await ask(app, reader, writer)) is not None:
            took.append(one)
        writer.close()
        return took

    return [one for several in await asyncio.gather(*map(run, apps)) for one in several]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Serving:
    """The server under measure."""

    pid: int
    port: int

    async def measure(self, what: str, way: str, apps: list[Asking], seconds: float) -> dict[str, Any]:
        """One row of the result."""
        before, began = cpu_seconds(self.pid), time.perf_counter()
        took = await load(apps, self.port, seconds)
        elapsed = time.perf_counter() - began
        return {
            "what": what,
            "way": way,
            "connections": len(apps),
            "requests": len(took),
            "rate": round(len(took) / elapsed),
            "p50_ms": round(percentile(took, 50) * 1_000, 2),
            "p99_ms": round(percentile(took, 99) * 1_000, 2),
            "cpu_ms": round((cpu_seconds(self.pid) - before) / len(took) * 1_000, 3),
        }


async def measured(world: World, server: Serving, told: argparse.Namespace) -> list[dict[str, Any]]:
    """Every way to ask, one after the other."""
    found, together = [], 16
    for way, registration in WAYS.items():
        for count in map(int, told.connections.split(",")):
            apps = await refreshing(world, registration, count)
            await load(apps, server.port, min(0.3, told.seconds))
            found.append(await server.measure("refresh", way, apps, told.seconds))
        pushed: list[Asking] = [pushing(registration, 3 * told.codes)] * together
        found.append(await server.measure("push", way, pushed, PATIENCE_S))
        codes: list[Asking] = [await redeeming(world, registration, told.codes)] * together
        found.append(await server.measure("redeem a code", way, codes, PATIENCE_S))
    return found


async def bench(told: argparse.Namespace) -> dict[str, object]:
    """All rows, against one server process."""
    with tempfile.TemporaryDirectory(dir=told.directory) as directory:
        path, pem = Path(directory) / "state.db", Path(directory) / "token.pem"
        pem.write_bytes(SigningKey.generate().to_pem())
        world = await open_world(path, pem, fresh=True, seed=1)
        command = [sys.executable, "-m", "bench.tokens", "--serve", str(path), str(pem)]
        server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
        try:
            assert server.stdout is not None
            serving = Serving(server.pid, int(await server.stdout.readline()))
            apart(server.pid)
            found = await measured(world, serving, told)
            memory = memory_mib(server.pid)
        finally:
            server.terminate()
            await server.wait()
            await world.close()
    return {"rows": found, "memory_mib": memory}


def apart(server: int) -> None:
    """The server on the first core, this client on the last; together where there is one."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{server}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores[:1])
    os.sched_setaffinity(0, cores[-1:])


def rows(samples: list[dict[str, Any]]) -> list[Row]:
    """Medians over the samples."""
    found = Rows(NAME)
    for at, one in enumerate(samples[0]["rows"]):
        case = f"{one['what']}, {one['way']}, {one['connections']} connection{'s' if one['connections'] > 1 else ''}"
        for member, (metric, unit) in SHOWN.items():
            found.add(case, metric, median([sample["rows"][at][member] for sample in samples]), unit)
    memory = median([sample["memory_mib"] for sample in samples])
    found.add("memory of the server after it", "PSS", memory, "MiB", most=100)
    return found.all


def main() -> None:
    """Measure and print; with --serve, be the server."""
    reading = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reading.add_argument("--seconds", type=float, default=3.0)
    reading.add_argument("--connections", default="1,16,64")
    reading.add_argument("--codes", type=int, default=200)
    reading.add_argument("--directory", type=Path)
    reading.add_argument("--serve", nargs=2, metavar=("FILE", "KEY"), help=argparse.SUPPRESS)
    told = reading.parse_args()
    if told.serve:
        uvloop.run(serve(Path(told.serve[0]), Path(told.serve[1])))
        return
    print(json.dumps({NAME: asyncio.run(bench(told))}))


if __name__ == "__main__":
    main()
