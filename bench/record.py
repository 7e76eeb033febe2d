"""What recording costs: beside a plain INSERT of the same rows, over the ledger's socket, and until it is signed.

    python -m bench.record [--seconds 3] [--directory DIR]

Prints one JSON object: {"record": {"plain_rate", "append_rate", "ratio", "idle_p50_ms", "socket_rate", "socket_p99_ms",
"signed_p50_ms", "signed_p99_ms"}}. Bounds (AUDIT.md §7): an append costs at most three times a plain INSERT of the same
row (same database, same batch, synced), a lone append takes at most 3 ms (median), over the socket with a signed
statement at least 1,200 a second at 64 writers with p99 at most 60 ms, an event is signed for within 2 s.
Plain and ours take turns, and the ratio is that of the medians.
"""

import argparse
import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context
from pathlib import Path

import structlog
import uvicorn

from bench.appends import decision
from bench.rows import Row, Rows
from bench.statistic import median, percentile
from grantline.crypto.es256 import SigningKey
from grantline.ledger.client import LedgerClient
from grantline.ledger.process import Ledger, open_ledger
from grantline.ledger.settings import Places, Settings
from grantline.ledger.signer import Signer, listen, serve_signer
from grantline.model.events import Sequenced, Submission
from grantline.storage.sqlite.connection import connect
from grantline.storage.sqlite.ledger import open_ledger as open_stores

NAME = "record"
FULL = ("--seconds", "2")
QUICK = ("--seconds", "0.2")
WRITERS, TURNS = 64, 3
_TABLE = "CREATE TABLE entries (idx INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, tc INTEGER NOT NULL, body BLOB)"


def plain(path: Path, seconds: float, body: bytes) -> float:
    """Rows a second: groups of as many rows as there are writers, each group synced."""
    connection = connect(path)
    connection.execute(_TABLE)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        rows = [(done + at, secrets.token_hex(16), time.time_ns(), body) for at in range(WRITERS)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        done += WRITERS
    took = time.perf_counter() - begun
    connection.close()
    return done / took


async def appends(ledger: Ledger, name: str, seconds: float, writers: int = WRITERS) -> tuple[float, list[float]]:
    """Rate and seconds each took, in process."""
    took: list[float] = []
    begun = time.perf_counter()

    async def write(writer: int) -> None:
        seq = 0
        while time.perf_counter() < begun + seconds:
            seq += 1
            said = Sequenced(boot=name, seq=seq, event=decision(writer))
            at = time.perf_counter()
            await ledger.sequencer.append(Submission(producer=f"gw-{writer}", events=(said,)))
            took.append(time.perf_counter() - at)

    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return len(took) / (time.perf_counter() - begun), took


async def over_socket(socket: Path, pem: bytes, seconds: float) -> tuple[float, list[float]]:
    """The same through the door, each writer with a connection of its own."""
    took: list[float] = []
    key = SigningKey.from_pem(pem)
    clients = [LedgerClient(socket, "authority", key) for _ in range(WRITERS)]
    await asyncio.gather(*(client.head() for client in clients))
    begun = time.perf_counter()

    async def write(writer: int, client: LedgerClient) -> None:
        seq = 0
        while time.perf_counter() < begun + seconds:
            seq += 1
            said = Sequenced(boot=f"socket-{writer}", seq=seq, event=decision(writer))
            at = time.perf_counter()
            await client.submit(Submission(producer="authority", events=(said,)))
            took.append(time.perf_counter() - at)

    await asyncio.gather(*(write(writer, client) for writer, client in enumerate(clients)))
    rate = len(took) / (time.perf_counter() - begun)
    for client in clients:
        await client.close()
    return rate, took


def clients(socket: Path, pem: bytes, seconds: float) -> tuple[float, list[float]]:
    """All writers, in a process of their own as they are in production."""
    return asyncio.run(over_socket(socket, pem, seconds))


async def until_signed(ledger: Ledger, times: int) -> list[float]:
    """Seconds from a lone append to a published checkpoint over it."""
    took: list[float] = []
    for at in range(times):
        said = Sequenced(boot="signed", seq=at + 1, event=decision(at))
        begun = time.perf_counter()
        accepted = await ledger.sequencer.append(Submission(producer="gw-signed", events=(said,)))
        while ledger.publisher.last is None or ledger.publisher.last.size < accepted.size:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        took.append(time.perf_counter() - begun)
    return took


async def measure(directory: Path, seconds: float) -> dict[str, float]:
    """All of it, on one ledger as it is in production but for the second process of its clients."""
    places, key, settings = Places(directory / "data"), SigningKey.generate(), Settings(origin="bench.example/log")
    places.ledger.mkdir(parents=True)
    places.producers.write_text(json.dumps({"authority": key.public.jwk}))
    async with AsyncExitStack() as stack:
        signer = Signer(places.signer, settings.origin)
        stack.callback(signer.close)
        server = await serve_signer(signer, listen(places.signer_socket), os.geteuid())
        stack.callback(server.close)
        ledger = await open_ledger(settings, places, open_stores, stack)
        web = uvicorn.Server(
            uvicorn.Config(ledger.app, uds=str(places.ledger_socket), lifespan="off", log_config=None, loop="asyncio")
        )
        tasks = [asyncio.create_task(web._serve()), asyncio.create_task(ledger.keep_publishing())]
        body = b"x" * 1_150  # A decision's leaf.
        plains, ours = [], []
        for turn in range(TURNS):
            plains.append(await asyncio.to_thread(plain, directory / f"plain-{turn}.db", seconds / TURNS, body))
            ours.append((await appends(ledger, f"run-{turn}", seconds / TURNS))[0])
        _, idle = await appends(ledger, "idle", seconds / TURNS, writers=1)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
            asked = elsewhere.submit(clients, places.ledger_socket, key.to_pem(), seconds)
            socket_rate, socket_took = await asyncio.wrap_future(asked)
        signed = await until_signed(ledger, max(2, round(seconds * 3)))
        web.should_exit = True
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "plain_rate": round(median(plains)), "append_rate": round(median(ours)),
        "ratio": round(median(plains) / median(ours), 2), "idle_p50_ms": round(percentile(idle, 50) * 1_000, 2),
        "socket_rate": round(socket_rate), "socket_p99_ms": round(percentile(socket_took, 99) * 1_000, 2),
        "signed_p50_ms": round(percentile(signed, 50) * 1_000), "signed_p99_ms": round(percentile(signed, 99) * 1_000),
    }  # fmt: skip


def rows(samples: list[dict[str, float]]) -> list[Row]:
    """Medians over the samples."""
    found = Rows(NAME)
    of = {name: median([sample[name] for sample in samples]) for name in samples[0]}
    found.add("64 writers", "plain INSERT", of["plain_rate"], "rows/s")
    found.add("64 writers", "appends", of["append_rate"], "appends/s")
    found.add("64 writers", "cost of an append", of["ratio"], "plain INSERTs", most=3)
    found.add("one writer", "p50", of["idle_p50_ms"], "ms", most=3)
    found.add("64 over the socket", "rate", of["socket_rate"], "appends/s", least=1_200)
    found.add("64 over the socket", "p99", of["socket_p99_ms"], "ms", most=60)
    found.add("until signed", "p50", of["signed_p50_ms"], "ms")
    found.add("until signed", "p99", of["signed_p99_ms"], "ms", most=2_000)
    return found.all


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--directory", type=Path, help="Where to write; the disk of this directory is measured.")
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(dir=asked.directory) as directory:
        print(json.dumps({NAME: asyncio.run(measure(Path(directory), asked.seconds))}))


if __name__ == "__main__":
    main()
