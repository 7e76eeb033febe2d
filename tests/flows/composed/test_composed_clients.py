"""What an operator does about an app takes effect at gateways that are running."""

import asyncio
import time

import httpx2
import pytest

from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)


async def _until(app: Connected, url: str, status: int, seconds: float) -> tuple[float, httpx2.Response]:
    began = time.monotonic()
    while (answer := await app.get(url)).status_code != status:
        assert time.monotonic() - began < seconds, answer.text
        await asyncio.sleep(0.01)
    return time.monotonic() - began, answer


async def test_an_app_registered_while_gateways_run_is_served(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 5, idea 4."""
    world.register("newcomer")
    app = await world.connect(http, "newcomer")
    assert (await app.get(world.bank + "/accounts")).status_code == 200
    assert (await app.get(world.calendar + "/events")).status_code == 200


async def test_a_disabled_app_is_refused_at_once_and_served_with_new_tokens_when_it_may_act_again(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: idea 2, line 5."""
    world.register("stopped")
    app = await world.connect(http, "stopped")
    assert (await app.get(world.bank + "/accounts")).status_code == 200
    world.register("stopped", status="disabled")
    for api in (world.bank + "/accounts", world.calendar + "/events"):
        answer = await app.get(api)
        assert (answer.status_code, answer.json()["reason"]) == (403, "client_quarantined")
    world.register("stopped", status="active")
    old = await app.get(world.bank + "/accounts")
    assert (old.status_code, old.json()["reason"]) == (403, "client_quarantined")
    assert app.tokens.refresh_token is not None
    app.tokens = await app.client.refresh(app.tokens.refresh_token)
    await _until(app, world.bank + "/accounts", 200, 2)
    await _until(app, world.calendar + "/events", 200, 2)
