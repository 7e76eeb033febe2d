"""Who gives an access token back ends everything that was made from it, at gateways and here, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Tokens
from tests.authorization_world import World, load, make_world
from tests.flows.authorization.test_introspection import give_back
from tests.flows.authorization.test_token_exchange import OPEN
from tests.gateway_over_authority import AtGateway
from tests.grants_world import Caller, agent, handing
from tests.opaque_world import opaque_at


@pytest.fixture
async def otto() -> Caller:
    return agent(subjects=("open", "nina"))


@pytest.fixture
async def nina() -> Caller:
    return agent("nina", subjects=("open", "otto"))


@pytest.fixture(params=["signed", "opaque"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, otto: Caller, nina: Caller) -> AsyncIterator[World]:
    catalog = load() if request.param == "signed" else opaque_at("calendar")
    made = await make_world(tmp_path / "state.db", catalog=catalog)
    await made.register(otto.client, nina.client, OPEN)
    yield made
    await made.close()


@pytest.fixture
async def gateway(world: World, tmp_path: Path) -> AsyncIterator[AtGateway]:
    made = AtGateway(world, tmp_path)
    yield made
    await made.spool.close()


async def admitted(gateway: AtGateway, token: str, caller: Caller) -> bool:
    return (await gateway.get(token, caller.dpop)).status_code == 200


async def exchanged(world: World, caller: Caller, token: str, holder: Caller | None = None) -> str:
    proof = "" if holder is None or holder.dpop is None else handing(world, token, holder.dpop, caller.client.id)
    answer = await caller.exchange(world, token, **({"holder": proof} if proof else {}))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.fixture
async def tokens(world: World) -> Tokens:
    return await world.connect(world.app(OPEN), "calendar.events")


async def test_a_token_given_back_ends_what_was_made_from_it(
    world: World, gateway: AtGateway, tokens: Tokens, otto: Caller, nina: Caller
) -> None:
    """Covers: check 150. At any distance, signed and opaque; what was made from another token stays."""
    other = await world.app(OPEN).refresh(tokens.refresh_token or "")
    part = await exchanged(world, otto, tokens.access_token)
    smaller = await exchanged(world, nina, part, otto)
    apart = await exchanged(world, otto, other.access_token)
    seen = [(part, otto), (smaller, nina), (apart, otto)]
    assert [await admitted(gateway, *one) for one in seen] == [True, True, True]
    await give_back(world, SigningKey.generate(), tokens.access_token, "open")
    assert [await admitted(gateway, *one) for one in seen] == [False, False, True]
    for token, holder, refused in ((part, otto, True), (apart, otto, False)):
        proof = handing(world, token, holder.dpop or SigningKey.generate(), "nina")
        assert ((await nina.exchange(world, token, holder=proof)).status_code == 400) is refused
