"""What people wait for: the consent page, Connections with many accesses, and proof that a receipt stands.

    python -m bench.people [--accesses 1000] [--times 40] [--directory DIR]

The whole world runs; pages are fetched over loopback by a client that keeps its connection, so its share is in the
figures. Prints {"people": {"accesses", "pages_ms": {page: [ms, …]}, "receipt_ms": [ms, …],
"receipt_process_ms": [ms, …], "ledger": {"entries", "seconds"}}}. `receipt_ms` is the check alone;
`receipt_process_ms` with the start of its interpreter.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from bench.load import Target
from bench.offline import stands
from bench.person import Person
from bench.program import program
from bench.rows import Row, Rows
from bench.statistic import percentile
from bench.stops import ACCOUNT, PATHS, SCOPE, app_of
from bench.watching import PATIENCE_S
from demo.play.report import Reporter
from demo.running import running
from demo.world import World
from grantline.crypto.es256 import SigningKey
from grantline.ledger.published import Published
from grantline.ledger.settings import Places
from grantline.ledger.verify import verify
from grantline.model.ids import ConsentId
from grantline.sdk.client import Tokens

NAME = "people"
FULL = ("--accesses", "1000", "--times", "40")
QUICK = ("--accesses", "30", "--times", "3")
CONNECTIONS = 4
PROCESSES = 5
ROOT = Path(__file__).parents[1]


async def used(world: World, key: SigningKey, tokens: Tokens, calls: int) -> None:
    """So many calls under one consent, in the ledger when this returns."""
    port, path = PATHS["bank"]
    targets = [Target("bank", world.ports[port], f"/{path}", key) for _ in range(CONNECTIONS)]

    async def run(target: Target) -> None:
        await target.call(tokens.access_token)  # Brings the nonce.
        for _ in range(calls // CONNECTIONS):
            status, reason, _, _ = await target.call(tokens.access_token)
            if status != 200:
                raise RuntimeError(f"HTTP {status} {reason}")

    await asyncio.gather(*map(run, targets))
    reporter, consent, deadline = Reporter(world), ConsentId(tokens.grant_id), time.monotonic() + PATIENCE_S
    while (await reporter.ledger.usage((consent,)))[consent].allowed < calls // CONNECTIONS * CONNECTIONS:
        if time.monotonic() > deadline:
            raise RuntimeError("the ledger does not know of every call")
        await asyncio.sleep(0.2)


async def timed(person: Person, path: str, times: int) -> list[float]:
    """Milliseconds of each fetch; the first two warm what starts cold."""
    took = []
    for _ in range(times + 2):
        began = time.perf_counter()
        await person.page(path)
        took.append((time.perf_counter() - began) * 1_000)
    return took[2:]


async def receipt_files(world: World, person: Person, http: httpx2.AsyncClient, consent: ConsentId) -> Path:
    """Everything that is needed to check a receipt elsewhere."""
    folder = world.folder / "receipt"
    given = next(row for row in await Reporter(world).ledger.life(consent) if row.type == "consent.given@1")
    deadline = time.monotonic() + PATIENCE_S
    while (await Reporter(world).ledger.head())[0] <= given.index:
        if time.monotonic() > deadline:
            raise RuntimeError("no checkpoint covers the consent")
        await asyncio.sleep(0.1)
    command = ("ledger", "prove", given.event_id, "--out", str(folder), "--disclose", "detail")
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "grantline", *command, "--data", str(world.data)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for ending in ("tlog-proof", "entry", "disclosures.json"):
        (folder / f"{given.event_id}.{ending}").rename(folder / f"event.{ending}")
    (folder / "receipt.json").write_text(await person.page(f"/connections/{consent}/receipt/1"))
    issuer = world.address("authority")
    metadata = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
    (folder / "jwks.json").write_text((await http.get(metadata["jwks_uri"])).text)
    (folder / "log.vkey").write_text(Published(Places(world.data).public).vkey() or "")
    return folder


def receipt_checked(folder: Path, times: int) -> dict[str, list[float]]:
    """Milliseconds of the check alone, and of a process that does nothing else."""
    found: dict[str, list[float]] = {"receipt_ms": [], "receipt_process_ms": []}
    for _ in range(times):
        began = time.perf_counter()
        if not stands(folder):
            raise RuntimeError("the receipt does not stand")
        found["receipt_ms"].append((time.perf_counter() - began) * 1_000)
    for _ in range(PROCESSES):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bench.offline", str(folder)], check=True, cwd=ROOT)
        found["receipt_process_ms"].append((time.perf_counter() - began) * 1_000)
    return found


def ledger_verified(data: Path) -> dict[str, float]:
    """How long the whole published log takes."""
    began = time.perf_counter()
    report = verify(Published(Places(data).public))
    if not report.ok:
        raise RuntimeError(f"the ledger does not verify: {report.problem}")
    return {"entries": report.size, "seconds": time.perf_counter() - began}


async def run(folder: Path, accesses: int, times: int) -> dict[str, Any]:
    """Start the world, use one consent, then look at everything."""
    world, key = World.at(folder), SigningKey.generate()
    async with running(world, lambda _: None), httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
        person = Person(http, world.address("authority"))
        await person.sign_in("holder", world.passwords()["holder"])
        app = app_of(world, http, key)
        tokens = await person.allow(app, SCOPE, {"bank": ACCOUNT})
        await used(world, key, tokens, accesses)
        asked, _ = await person.asked(app, SCOPE)
        consent = ConsentId(tokens.grant_id)
        pages = {"consent page": asked, "Connections": "/connections", "one connection": f"/connections/{consent}"}
        pages_ms = {page: await timed(person, path, times) for page, path in pages.items()}
        files = await receipt_files(world, person, http, consent)
    checked = await asyncio.to_thread(receipt_checked, files, times)
    return {"accesses": accesses, "pages_ms": pages_ms, **checked, "ledger": ledger_verified(world.data)}


def rows(samples: list[dict[str, Any]]) -> list[Row]:
    """Over all samples together."""
    found = Rows(NAME)
    for page in samples[0]["pages_ms"]:
        took = [ms for sample in samples for ms in sample["pages_ms"][page]]
        case = page if page == "consent page" else f"{page}, {samples[0]['accesses']} accesses"
        for percent in (50, 99):
            found.add(case, f"p{percent}", percentile(took, percent), "ms", most=150)
    for member, case in (("receipt_ms", "receipt, the check"), ("receipt_process_ms", "receipt, whole process")):
        took = [ms for sample in samples for ms in sample[member]]
        found.add(case, "p50", percentile(took, 50), "ms")
        found.add(case, "p99", percentile(took, 99), "ms", most=1_000)
    rates = [sample["ledger"]["entries"] / sample["ledger"]["seconds"] for sample in samples]
    found.add("ledger verified", "rate", percentile(rates, 50), "entries/s")
    return found.all


def main() -> None:
    """Measure and print."""
    program(NAME, __doc__, run, accesses=1_000, times=40)


if __name__ == "__main__":
    main()
