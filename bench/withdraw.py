"""How soon a withdrawal is felt: whole processes, a steady load at every gateway, one consent after the other stopped.

    python -m bench.withdraw [--withdrawals 12] [--rate 100] [--directory DIR]

`--rate`: calls a second at each of the two gateways (the bank's in a process of its own behind Envoy, the calendar's
inside the API), so 200 in all. Prints {"withdraw": {"stops": [{"grant", "denied_ms": {gateway: ms}, "answered_ms",
"closed_ms", "permits", "denials", "admissions_after_closed", "begun_beyond_context", "unrecorded"}, …],
"authority_mib"}}. `denied_ms` runs from the moment the stop is posted to the first refusal that the client holds in
its hands, so it holds up to one interval of the load. `closed_ms` is the authority's own: from the stop's arrival to
CLOSED. The last three are counted in the ledger and in the upstreams' logs, and must be 0. `authority_mib`: memory
(PSS) of the authority's process after all of it.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from bench.machine import memory_mib
from bench.person import Person
from bench.rows import Row, Rows
from bench.statistic import percentile
from demo.play.report import Reporter
from demo.running import process_of, running
from demo.world import World
from grantline.app.state import open_state
from grantline.crypto.custody.file import load_or_create_signing_key
from grantline.crypto.es256 import SigningKey
from grantline.model.feed import Closure, ClosureState
from grantline.model.ids import ConsentId
from grantline.sdk.client import Client, Prover, Tokens

NAME = "withdraw"
FULL = ("--withdrawals", "15", "--rate", "100")
QUICK = ("--withdrawals", "2", "--rate", "20")
ROOT = Path(__file__).parents[1]
SCOPE = "bank.transactions calendar.events"
ACCOUNT = "acc-4821"
PATHS = {"bank": ("bank_gateway", f"accounts/{ACCOUNT}/transactions"), "calendar": ("calendar", "events")}
COUNTERS = {"admissions_after_closed": "calls", "begun_beyond_context": "calls", "unrecorded": "calls"}
SETTLED_S = 0.3
PATIENCE_S = 20.0


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
async def loading(world: World, key: SigningKey, rate: float) -> AsyncIterator[Watched]:
    """The load process, without anything to call under yet."""
    pem = world.folder / "load.pem"
    pem.write_bytes(key.to_pem())
    places = [f"{api}={world.ports[port]}/{path}" for api, (port, path) in PATHS.items()]
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


def app_of(world: World, http: httpx2.AsyncClient, key: SigningKey) -> Client:
    """The world's app, whose tokens are bound to `key`."""
    prover = Prover("budget-app", key, load_or_create_signing_key(world.folder / "budget.pem"))
    return Client(http, world.address("authority"), prover, f"{world.address('budget')}/callback")


async def stopped(person: Person, watched: Watched, tokens: Tokens) -> dict[str, Any]:
    """Load a grant, stop it, and see both gateways refuse."""
    grant = tokens.grant_id
    form = await person.about_to_stop(grant)
    await watched.turn_to(tokens)
    for api in PATHS:
        await watched.first("permit", grant, api)
    # Some of an interval more or less, so that stops fall anywhere between two calls.
    await asyncio.sleep(SETTLED_S + secrets.randbelow(1_000) / 20_000)
    posted = time.monotonic_ns()
    await person.stop(grant, form)
    answered = time.monotonic_ns()
    denials = {api: await watched.first("deny", grant, api) for api in PATHS}
    await asyncio.sleep(SETTLED_S)
    return {
        "grant": grant,
        "denied_ms": {api: round((one["answered_ns"] - posted) / 1e6, 2) for api, one in denials.items()},
        "reasons": sorted({one["reason"] for one in denials.values()}),
        "answered_ms": round((answered - posted) / 1e6, 2),
    }


async def counted(world: World, found: list[dict[str, Any]], watched: Watched) -> None:
    """Add what the record says of each, once every call that was answered is in it."""
    reporter, deadline = Reporter(world), time.monotonic() + PATIENCE_S
    for one in found:
        consent, calls = ConsentId(one["grant"]), watched.calls[one["grant"]]
        expected = sum(count for answer, count in calls.items() if answer in ("200", "grant_withdrawn"))
        while True:
            told = await reporter.story(consent)
            recorded = told["permits"] + sum(told["denials"].values())
            if (recorded >= expected and told["closed_t"]) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        closure = await closure_of(world, consent)
        one["closed_ms"] = (closure.committed_us - closure.requested_us + (closure.closed_after_us or 0)) / 1_000
        one["closed"] = closure.state is ClosureState.CLOSED
        one["permits"], one["denials"] = told["permits"], told["denials"]
        one["admissions_after_closed"] = told["admissions_after_closed"]
        one["begun_beyond_context"] = told["begun_beyond_context"]
        one["unrecorded"] = max(0, expected - recorded)


async def closure_of(world: World, consent: ConsentId) -> Closure:
    """The committed one."""
    async with open_state(world.data) as state:
        return (await state.read(lambda tx: tx.gateways.closures.of_consent(consent)))[-1]


async def run(folder: Path, withdrawals: int, rate: float) -> dict[str, Any]:
    """Start the world, stop so many consents in it, and count."""
    world, key = World.at(folder), SigningKey.generate()
    async with running(world, lambda _: None), httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
        person = Person(http, world.address("authority"))
        await person.sign_in("holder", world.passwords()["holder"])
        app = app_of(world, http, key)
        tokens = [await person.allow(app, SCOPE, {"bank": ACCOUNT}) for _ in range(withdrawals + 1)]
        async with loading(world, key, rate) as watched:
            await stopped(person, watched, tokens[0])  # Opens connections and warms what starts cold.
            found = [await stopped(person, watched, one) for one in tokens[1:]]
            await watched.end()
        await counted(world, found, watched)
        return {"stops": found, "authority_mib": memory_mib(process_of("--role authority"))}


def rows(samples: list[dict[str, Any]]) -> list[Row]:
    """Over all withdrawals together."""
    every, found = [one for sample in samples for one in sample["stops"]], Rows(NAME)
    found.add("stops under load", "count", len(every), "stops")
    for api in PATHS:
        took = [one["denied_ms"][api] for one in every]
        found.add(f"stop to first denial, {api}", "p50", percentile(took, 50), "ms")
        found.add(f"stop to first denial, {api}", "p99", percentile(took, 99), "ms", most=50)
    for percent in (50, 99):
        found.add("stop to CLOSED", f"p{percent}", percentile([one["closed_ms"] for one in every], percent), "ms")
    found.add("stops not CLOSED", "count", sum(not one["closed"] for one in every), "stops", most=0)
    for counter, unit in COUNTERS.items():
        found.add(counter.replace("_", " "), "count", sum(one[counter] for one in every), unit, most=0)
    memory = percentile([sample["authority_mib"] for sample in samples], 50)
    found.add("memory of the authority after it", "PSS", memory, "MiB", most=100)
    return found.all


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--withdrawals", type=int, default=12)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        print(json.dumps({NAME: asyncio.run(run(Path(folder), options.withdrawals, options.rate))}))


if __name__ == "__main__":
    main()
