"""Operators act from a second process on the files; what runs finds out by itself, and soon."""

import asyncio
import json
import sqlite3
import time

import httpx2
import pytest

from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)
LEASE_S = 2.0


async def until(app: Connected, url: str, status: int, seconds: float) -> float:
    """Call until the answer has this status; how long that took (s)."""
    began = time.monotonic()
    while (answer := await app.get(url)).status_code != status:
        assert time.monotonic() - began < seconds, answer.text
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def closures(world: WholeWorld, consent: str) -> list[dict[str, str]]:
    """What was told of this consent's endings: gateway → how it came out of the wait."""
    state = sqlite3.connect(f"file:{world.data}/authority/state.db?mode=ro", uri=True)
    try:
        rows = state.execute("SELECT body FROM closures WHERE consent = ?", (consent,)).fetchall()
    finally:
        state.close()
    return [{one["gateway"]: one["how"] for one in json.loads(row[0])["gateways"]} for row in rows]


@pytest.mark.serial
async def test_an_operators_revocation_holds_at_both_gateways_at_once_and_is_told(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: line 8, decision 004."""
    world.register("revoked")
    app = await world.connect(http, "revoked")
    consent = app.tokens.grant_id
    assert consent is not None
    for url in (world.bank + "/accounts", world.calendar + "/events"):
        assert (await app.get(url)).status_code == 200
    assert "feed entry" in await asyncio.to_thread(world.cli, "grant", "revoke", consent, "--why", "tried")
    for url in (world.bank + "/accounts", world.calendar + "/events"):
        await until(app, url, 401, 0.5)
        assert (await app.get(url)).json()["reason"] == "grant_revoked"
    shown = json.loads(world.cli("grant", "show", consent))
    assert shown["state"]["status"] == "revoked"
    assert closures(world, consent) == [{"bank": "acknowledged", "calendar": "acknowledged"}]


def test_the_public_keys_to_pin_are_told_and_nothing_private(world: WholeWorld) -> None:
    told = {one["gateway"]: one["jwk"] for one in json.loads(world.cli("gateway", "list", "--json"))}
    pinned = json.loads((world.folder / "bank-gateway.jwk").read_text())
    assert {name: told["bank"][name] for name in ("kty", "crv", "x", "y")} == {
        name: pinned[name] for name in ("kty", "crv", "x", "y")
    }
    assert not any("d" in jwk for jwk in told.values())


async def test_a_removed_gateway_admits_nothing_after_its_lease_until_it_is_enrolled_again(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: feed C7."""
    world.register("removed")
    app = await world.connect(http, "removed")
    assert (await app.get(world.calendar + "/events")).status_code == 200
    world.cli("gateway", "remove", "calendar")
    try:
        await until(app, world.calendar + "/events", 503, LEASE_S + 1)
        assert (await app.get(world.calendar + "/events")).json()["reason"] == "feed_stale"
        assert (await app.get(world.bank + "/accounts")).status_code == 200
    finally:
        world.enrol_again("calendar")
    await until(app, world.calendar + "/events", 200, 10)


async def test_after_a_restore_gateways_deny_and_recover_by_themselves(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: feed C10."""
    world.register("restored")
    app = await world.connect(http, "restored")
    assert (await app.get(world.bank + "/accounts")).status_code == 200
    assert "incarnation 2" in world.cli("gateway", "new-incarnation")
    # Until the leases of the former incarnation have run out the calls go on; then each gateway has to have noticed.
    deadline = time.monotonic() + 30
    log = world.data / "log" / "gateway-bank.log"
    while "feed_incarnation_changed" not in log.read_text():
        assert time.monotonic() < deadline, "the gateway did not notice"
        await asyncio.sleep(0.1)
    for url in (world.bank + "/accounts", world.calendar + "/events"):
        await until(app, url, 200, 20)
