"""Stops under load: one consent after the other stopped by its person, and what the record says of each."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx2

from bench.person import Person
from bench.rows import Rows
from bench.statistic import percentile
from bench.watching import PATIENCE_S, Paths, Watched
from demo.play.report import Reporter
from demo.world import World
from grantline.app.state import open_state
from grantline.crypto.custody.file import load_or_create_signing_key
from grantline.crypto.es256 import SigningKey
from grantline.model.feed import Closure, ClosureState
from grantline.model.ids import ConsentId
from grantline.sdk.client import Client, Prover, Tokens

SCOPE = "bank.transactions calendar.events"
ACCOUNT = "acc-4821"
PATHS: Paths = {"bank": ("bank_gateway", f"accounts/{ACCOUNT}/transactions"), "calendar": ("calendar", "events")}
COUNTERS = {"admissions_after_closed": "calls", "begun_beyond_context": "calls", "unrecorded": "calls"}
RECORDED = ("200", "grant_withdrawn", "feed_stale")
"""Answers to callers that showed their key: the ledger has each of them."""
SETTLED_S = 0.3


def app_of(world: World, http: httpx2.AsyncClient, key: SigningKey) -> Client:
    """The world's app, whose tokens are bound to `key`."""
    prover = Prover("budget-app", key, load_or_create_signing_key(world.folder / "budget.pem"))
    return Client(http, world.address("authority"), prover, f"{world.address('budget')}/callback")


async def stopped(
    person: Person, watched: Watched, tokens: Tokens, paths: Paths, before: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Load a grant, stop it, and see every gateway refuse. `before` is done in the moment the stop is posted."""
    grant = tokens.grant_id
    form = await person.about_to_stop(grant)
    await watched.turn_to(tokens)
    for api in paths:
        await watched.first("permit", grant, api)
    # Some of an interval more or less, so that stops fall anywhere between two calls.
    await asyncio.sleep(SETTLED_S + secrets.randbelow(1_000) / 20_000)
    before()
    posted = time.monotonic_ns()
    await person.stop(grant, form)
    answered = time.monotonic_ns()
    denials = {api: await watched.first("deny", grant, api) for api in paths}
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
        expected = sum(count for answer, count in calls.items() if answer in RECORDED)
        while True:
            told = await reporter.story(consent)
            recorded = told["permits"] + sum(told["denials"].values())
            if (recorded >= expected and told["closed_t"]) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        closure = await closure_of(world, consent)
        one["closed_ms"] = (closure.committed_us - closure.requested_us + (closure.closed_after_us or 0)) / 1_000
        one["closed"] = closure.state is ClosureState.CLOSED
        one["stages_ms"] = stages(closure)
        one["permits"], one["denials"] = told["permits"], told["denials"]
        one["admissions_after_closed"] = told["admissions_after_closed"]
        one["begun_beyond_context"] = told["begun_beyond_context"]
        one["unrecorded"] = max(0, expected - recorded)


async def closure_of(world: World, consent: ConsentId) -> Closure:
    """The committed one."""
    async with open_state(world.data) as state:
        return (await state.read(lambda tx: tx.gateways.closures.of_consent(consent)))[-1]


def stages(closure: Closure) -> dict[str, float | None]:
    """Where the time of a stop went: from its arrival to the commit, and on until each gateway had applied it.

    None for a gateway that did not say so: its lease was waited for.
    """
    commit = (closure.committed_us - closure.requested_us) / 1_000
    applied = {
        str(one.gateway): None if one.after_us is None or one.how != "acknowledged" else commit + one.after_us / 1_000
        for one in closure.gateways
    }
    return {"commit": commit, **applied}


def told(found: Rows, every: list[dict[str, Any]], most: dict[str, float], kind: str = "") -> None:
    """The rows of these stops. `most`: the bound, in milliseconds, of the first denial at each gateway.

    `kind`: said before each row.
    """
    found.add(f"{kind}stops under load", "count", len(every), "stops")
    for api, bound in most.items():
        took = [one["denied_ms"][api] for one in every]
        found.add(f"{kind}stop to first denial, {api}", "p50", percentile(took, 50), "ms")
        found.add(f"{kind}stop to first denial, {api}", "p99", percentile(took, 99), "ms", most=bound)
    slowest = max(every, key=lambda one: max(one["denied_ms"].values()))
    found.add(f"{kind}slowest first denial", "max", max(slowest["denied_ms"].values()), "ms")
    for stage, ms in slowest["stages_ms"].items():
        if ms is not None:
            found.add(
                f"{kind}slowest first denial", "committed" if stage == "commit" else f"applied by {stage}", ms, "ms"
            )
    for percent in (50, 99):
        found.add(
            f"{kind}stop to CLOSED", f"p{percent}", percentile([one["closed_ms"] for one in every], percent), "ms"
        )
    found.add(f"{kind}stops not CLOSED", "count", sum(not one["closed"] for one in every), "stops", most=0)
    for counter, unit in COUNTERS.items():
        found.add(kind + counter.replace("_", " "), "count", sum(one[counter] for one in every), unit, most=0)
