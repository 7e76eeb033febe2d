"""Whatever a client gives back, or others end, is refused at a real gateway: one test for each kind of token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Tokens
from tests.authorization_world import World, load, make_world
from tests.flows.authorization.test_global_revocation import believe, revoke
from tests.flows.authorization.test_introspection import give_back
from tests.flows.authorization.test_opaque_tokens import OPEN
from tests.gateway_over_authority import AtGateway
from tests.opaque_world import opaque_at


@pytest.fixture(params=["signed", "opaque"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    made = await make_world(
        tmp_path / "state.db", catalog=load() if request.param == "signed" else opaque_at("calendar")
    )
    await made.register(OPEN)
    yield made
    await made.close()


@pytest.fixture
async def gateway(world: World, tmp_path: Path) -> AsyncIterator[AtGateway]:
    made = AtGateway(world, tmp_path)
    yield made
    await made.spool.close()


@pytest.fixture
async def tokens(world: World, gateway: AtGateway) -> Tokens:
    """Good at the gateway, and used there, so that it is remembered."""
    made = await world.connect(world.app(OPEN), "calendar.events")
    assert (await gateway.get(made.access_token)).status_code == 200
    return made


async def reason(gateway: AtGateway, tokens: Tokens) -> str:
    answer = await gateway.get(tokens.access_token)
    return "admitted" if answer.status_code == 200 else str(answer.json()["reason"])


async def test_an_access_token_given_back(world: World, gateway: AtGateway, tokens: Tokens) -> None:
    """Covers: line 4 (revocation 7009: access token, signed and opaque)."""
    other = await world.app(OPEN).refresh(tokens.refresh_token or "")
    await give_back(world, SigningKey.generate(), tokens.access_token, "open")
    assert await reason(gateway, tokens) == "token_invalid"
    assert await reason(gateway, other) == "admitted", "it alone"


async def test_a_refresh_token_given_back(world: World, gateway: AtGateway, tokens: Tokens) -> None:
    """Covers: line 4 (revocation 7009: family)."""
    other = await world.app(OPEN).refresh(tokens.refresh_token or "")
    await give_back(world, SigningKey.generate(), other.refresh_token, "open")
    assert [await reason(gateway, one) for one in (tokens, other)] == ["token_invalid"] * 2


async def test_the_grant_itself(world: World, gateway: AtGateway, tokens: Tokens) -> None:
    """Covers: line 4 (revocation: grant on the feed)."""
    consents, name = world.server.consents, tokens.grant_id
    await world.database.write(lambda tx: consents.revoke(tx, consent=name, by="client"))  # type: ignore[arg-type]
    assert await reason(gateway, tokens) == "grant_revoked"


async def test_everything_of_the_person(world: World, gateway: AtGateway, tokens: Tokens) -> None:
    """Covers: line 4 (global token revocation, at a gateway)."""
    await believe(world)
    await world.sign_in("ben")
    others = await world.connect(world.app(OPEN), "calendar.events")
    assert (await revoke(world)).status_code == 204
    assert await reason(gateway, tokens) == "token_invalid"
    assert await reason(gateway, others) == "admitted"
    await world.sign_in()
    again = await world.connect(world.app(OPEN), "calendar.events")
    assert again.grant_id == tokens.grant_id
    assert await reason(gateway, again) == "admitted"
