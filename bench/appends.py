"""How many durable appends a second: 1, 16 and 64 writers in one process, each waiting for its own answer.

    python -m bench.appends [--seconds 5] [--directory DIR]

Prints one JSON object: {"appends": [{"writers", "rate", "p50_ms", "p99_ms"}, …]}. Bound (ARCHITECTURE.md, Numbers to
hold): at 64 writers at least 4,000 a second and p99 at most 30 ms. Every event is a gateway decision with its whole
input: sealed, committed, projected and synced like in production; only the socket is missing.
"""

import argparse
import asyncio
import json
import secrets
import tempfile
import time
from pathlib import Path

from bench.rows import Row, Rows
from bench.statistic import median, percentile
from grantline.ledger.keys import PersonKeys
from grantline.ledger.root_keys import RootKeys
from grantline.ledger.sequencer import Sequencer
from grantline.model.clock import SystemClock
from grantline.model.events import Event, EventType, Sequenced, Submission
from grantline.model.ids import ClientId, ConsentId, PurposeId, event_id
from grantline.storage.sqlite.ledger import open_ledger

NAME = "appends"
FULL = ("--seconds", "2")
QUICK = ("--seconds", "0.2")
WRITERS = (1, 16, 64)
BOUNDED = 64


def decision(writer: int) -> Event:
    """A gateway's decision with its whole input."""
    consent = f"g_{writer}"
    detail: dict[str, object] = {
        "consent": consent, "subject": f"sub-{writer}", "gateway": "gw1", "api": "bank", "route": "transactions",
        "endpoint": "transactions", "action": "read", "datatype": "transactions", "resources": ["acc-1", "acc-2"],
        "fields": ["amount", "date", "currency", "description"], "purpose": "budgeting", "epoch": 1,
        "position": [1, 40], "lease": 2000, "now": 1_700_000_000, "method": "GET", "path_hash": "x" * 43,
        "evaluation": secrets.token_urlsafe(16),
    }  # fmt: skip
    return Event(
        event_id=event_id(secrets.token_bytes), type=EventType.GATEWAY_DECISION, t=time.time_ns() // 1_000,
        act="read", res="transactions", out="permit", client=ClientId("budget"), subject=f"sub-{writer}",
        consent=ConsentId(consent), version=1, purpose=PurposeId("budgeting"), basis="consent",
        jti_hash="x" * 43, policy="x" * 43, detail=detail,
    )  # fmt: skip


async def _write(sequencer: Sequencer, writer: int, until: float, took: list[float]) -> None:
    seq = 0
    while time.perf_counter() < until:
        seq += 1
        said = Sequenced(boot=f"run-{writer}", seq=seq, event=decision(writer))
        begun = time.perf_counter()
        await sequencer.append(Submission(producer=f"gw-{writer}", events=(said,)))
        took.append(time.perf_counter() - begun)


async def _measure(writers: int, seconds: float, directory: Path) -> dict[str, float]:
    stores = open_ledger(directory / f"writers-{writers}")
    keys = PersonKeys(stores.keys, RootKeys(secrets.token_bytes(32)), secrets.token_bytes)
    sequencer = Sequencer(stores, keys, SystemClock(), secrets.token_bytes)
    await asyncio.gather(*(_write(sequencer, writer, time.perf_counter() + 0.3, []) for writer in range(writers)))
    took: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(_write(sequencer, 1_000 + writer, begun + seconds, took) for writer in range(writers)))
    elapsed = time.perf_counter() - begun
    sequencer.close()
    stores.close()
    return {
        "writers": writers,
        "rate": round(len(took) / elapsed),
        "p50_ms": round(percentile(took, 50) * 1_000, 2),
        "p99_ms": round(percentile(took, 99) * 1_000, 2),
    }


def rows(samples: list[list[dict[str, float]]]) -> list[Row]:
    """Medians over the samples; the bounds are for 64 writers."""
    found = Rows(NAME)
    for at, writers in enumerate(WRITERS):
        bounded, case = writers == BOUNDED, f"{writers} writer{'s' if writers > 1 else ''}"
        of = {name: median([sample[at][name] for sample in samples]) for name in ("rate", "p50_ms", "p99_ms")}
        found.add(case, "rate", of["rate"], "appends/s", least=4_000 if bounded else None)
        found.add(case, "p50", of["p50_ms"], "ms")
        found.add(case, "p99", of["p99_ms"], "ms", most=30 if bounded else None)
    return found.all


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--directory", type=Path, help="Where to write; the disk of this directory is measured.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        found = [asyncio.run(_measure(writers, arguments.seconds, Path(directory))) for writers in WRITERS]
    print(json.dumps({NAME: found}))


if __name__ == "__main__":
    main()
