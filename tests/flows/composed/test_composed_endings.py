"""Stopping, explaining and narrowing, as the whole composition does them."""

import asyncio
import json
import sqlite3
import time

import httpx2
import pytest

from tests.whole_world import ROOT, WholeWorld

pytestmark = pytest.mark.timeout(180)


def drained(world: WholeWorld, consent: str) -> bool:
    state = sqlite3.connect(f"file:{world.data}/authority/state.db?mode=ro", uri=True)
    try:
        rows = state.execute("SELECT body FROM closures WHERE consent = ?", (consent,)).fetchall()
    finally:
        state.close()
    return bool(rows) and all(json.loads(row[0])["drained_after_us"] is not None for row in rows)


async def test_a_stop_is_told_closed_at_both_gateways_and_drained_once_calls_are_over(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: C8, C9, line 7."""
    world.register("ending")
    app = await world.connect(http, "ending")
    calls = [app.get(url) for url in (world.bank + "/accounts", world.calendar + "/events") for _ in range(10)]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}
    assert "Stopped at 2 of 2 gateways" in await world.stop(app)
    began = time.monotonic()
    while not drained(world, str(app.tokens.grant_id)):
        assert time.monotonic() - began < 3, "filtered calls tell their own end"
        await asyncio.sleep(0.02)


async def test_explaining_says_what_gateways_say(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 8."""
    world.register("explained")
    app = await world.connect(http, "explained", pick=lambda value: "0937" not in value)
    consent = str(app.tokens.grant_id)
    assert "allowed by" in world.cli("explain", consent, "GET", "/accounts/acc-4821", "--api", "bank")
    for path in ("/accounts/acc-0937", "/nowhere", "/accounts/acc-4821/transactions?since=2020-01-01"):
        told = await app.get(world.bank + path)
        said = world.cli("explain", consent, "GET", path, "--api", "bank", code=1)
        assert f"denied, {told.json()['reason']}:" in said
    other = await app.get(world.bank + "/accounts/acc-4821", **{"grantline-purpose": "tax"})
    said = world.cli("explain", consent, "GET", "/accounts/acc-4821", "--api", "bank", "--purpose", "tax", code=1)
    assert f"denied, {other.json()['reason']}:" in said
    await world.stop(app)
    told = await app.get(world.bank + "/accounts/acc-4821")
    said = world.cli("explain", consent, "GET", "/accounts/acc-4821", "--api", "bank", code=1)
    assert "denied, grant_withdrawn:" in said
    assert told.json()["reason"] == "grant_withdrawn"


async def test_a_narrower_catalog_holds_at_gateways_that_run(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 5, idea 7. A field that the catalog no longer knows leaves no gateway."""
    world.register("outlived", dpop_bound=False)
    app = await world.connect(http, "outlived", bound=False)
    url = world.calendar + "/events"
    assert all("title" in event for event in (await app.get(url)).json()["events"])
    before = (ROOT / "demo" / "catalog.toml").read_text()
    narrower = before.replace('title = { label = "title", without = "entries show as “busy”" }\n', "")
    narrower = narrower.replace('required = ["start", "end"]\noptional = ["title"]\n', 'required = ["start", "end"]\n')
    try:
        _declare(world, narrower)
        began = time.monotonic()
        while (answer := await app.get(url)).status_code == 200 and "title" in answer.text:
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.05)
        assert '"title":' not in answer.text or answer.status_code >= 400
        assert all(set(event) == {"start", "end"} for event in answer.json().get("events", ()))
    finally:
        _declare(world, before)


def _declare(world: WholeWorld, text: str) -> None:
    (world.folder / "other-catalog.toml").write_text(text)
    declared = world.folder / "other.toml"
    declared.write_text('catalog = "other-catalog.toml"\n')
    world.cli("apply", "-f", str(declared))
