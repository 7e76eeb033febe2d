"""A consent for a number of calls: at several gateways together never more, nor by whom it was passed on to."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.model.calls import CallsWanted
from grantline.model.errors import InvalidAuthorizationDetails
from grantline.sdk.client import Tokens
from tests.authorization_world import World, load, make_world
from tests.flows.authorization.test_token_exchange import OPEN
from tests.gateway_over_authority import AtGateway
from tests.grants_world import Caller, agent
from tests.opaque_world import limiting
from tests.postgres_server import database_of, on_both

AGREED = 5


@pytest.fixture
async def otto() -> Caller:
    """An agent that may act for people by tokens of an app."""
    return agent(subjects=("open",))


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path, otto: Caller) -> AsyncIterator[World]:
    async with database_of(request) as address:
        catalog = limiting(load(), "calendar.events", AGREED)
        made = await make_world(tmp_path / "state.db", catalog=catalog, address=address)
        await made.register(otto.client, OPEN)
        yield made
        await made.close()


@pytest.fixture
async def gateways(world: World, tmp_path: Path) -> AsyncIterator[tuple[AtGateway, AtGateway]]:
    """Two before the same API, each counting for itself."""
    first, second = AtGateway(world, tmp_path / "1"), AtGateway(world, tmp_path / "2")
    yield first, second
    await first.spool.close()
    await second.spool.close()


@pytest.fixture
async def tokens(world: World) -> Tokens:
    return await world.connect(world.app(OPEN), "calendar.events")


async def outcome(gateway: AtGateway, token: str, key: SigningKey | None = None) -> tuple[int, str]:
    answer = await gateway.get(token, key)
    return answer.status_code, "" if answer.status_code == 200 else str(answer.json()["reason"])


async def passed_on(world: World, otto: Caller, tokens: Tokens, calls: int) -> dict[str, Any]:
    asked = {"type": "calendar_data", "actions": ["read"], "datatypes": ["events"], "fields": ["start", "end"],
             "purpose": "budgeting", "calls": calls}  # fmt: skip
    answer = await otto.exchange(world, tokens.access_token, authorization_details=json.dumps([asked]))
    told: dict[str, Any] = answer.json()
    return told


SPENT = (429, "limit_reached")


@on_both("world")
async def test_two_gateways_together_admit_no_more_than_was_agreed(
    world: World, gateways: tuple[AtGateway, AtGateway], tokens: Tokens
) -> None:
    """Covers: line 2 (budget), ARCHITECTURE.md "reserve"."""
    seen = [await outcome(gateways[turn % 2], tokens.access_token) for turn in range(AGREED + 3)]
    assert seen == [(200, "")] * AGREED + [SPENT] * 3


async def test_a_new_token_brings_no_new_calls(
    world: World, gateways: tuple[AtGateway, AtGateway], tokens: Tokens
) -> None:
    gateway, _ = gateways
    for _ in range(AGREED):
        assert await outcome(gateway, tokens.access_token) == (200, "")
    later = await world.app(OPEN).refresh(tokens.refresh_token or "")
    assert await outcome(gateway, later.access_token) == SPENT


@on_both("world")
async def test_what_was_passed_on_is_taken_from_the_whole(
    world: World, gateways: tuple[AtGateway, AtGateway], tokens: Tokens, otto: Caller
) -> None:
    """Covers: line 2 (attenuation: budget), I10."""
    gateway, other = gateways
    part = await passed_on(world, otto, tokens, 3)
    assert [detail["calls"] for detail in part["authorization_details"]] == [3]
    token, key = part["access_token"], otto.dpop
    assert [await outcome(other, token, key) for _ in range(4)] == [(200, "")] * 3 + [SPENT]
    assert [await outcome(gateway, tokens.access_token) for _ in range(3)] == [(200, "")] * 2 + [SPENT]


async def test_the_whole_used_up_leaves_nothing_of_the_part(
    world: World, gateways: tuple[AtGateway, AtGateway], tokens: Tokens, otto: Caller
) -> None:
    """Covers: line 2 (attenuation: budget)."""
    gateway, _ = gateways
    part = await passed_on(world, otto, tokens, 3)
    for _ in range(AGREED):
        assert await outcome(gateway, tokens.access_token) == (200, "")
    assert await outcome(gateway, part["access_token"], otto.dpop) == SPENT


async def test_more_than_is_held_is_not_passed_on(world: World, tokens: Tokens, otto: Caller) -> None:
    """Covers: line 2 (attenuation: budget)."""
    told = await passed_on(world, otto, tokens, AGREED + 1)
    assert told["error"] == InvalidAuthorizationDetails.code
    assert "access_token" in await passed_on(world, otto, tokens, AGREED)


async def test_the_limit_is_told_where_it_is_agreed_to_and_in_the_answer(world: World, tokens: Tokens) -> None:
    """Covers: line 2 (budget)."""
    app = world.app(OPEN)
    begun = await app.begin(scope="calendar.events", prompt="consent")
    handle = (await world.browse(begun.url)).headers["location"].rsplit("/", 1)[-1]
    session = world.session or await world.sign_in()
    offer = await world.look(handle, session)
    assert {line.calls for line in offer.lines} == {AGREED}  # type: ignore[union-attr]
    answer = await world.http.post(
        "/token", data={"grant_type": "refresh_token", "client_id": "open", "refresh_token": tokens.refresh_token}
    )
    assert [detail["calls"] for detail in answer.json()["authorization_details"]] == [AGREED]


async def test_without_the_authority_no_call_is_admitted_and_the_next_may_try(
    world: World, gateways: tuple[AtGateway, AtGateway], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: line 2 (budget)."""

    async def away(_wanted: CallsWanted) -> int:
        raise OSError("no route to the authority")

    gateway, _ = gateways
    with monkeypatch.context() as patch:
        patch.setattr(gateway.gateway._calls, "_ask", away)
        assert await outcome(gateway, tokens.access_token) == (503, "limit_unknown")
    assert await outcome(gateway, tokens.access_token) == (200, "")
