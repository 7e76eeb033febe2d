"""What a client does to its grants, seen at a real gateway over a real authority; and from where no browser is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.sdk.client import Tokens
from tests.authorization_world import World
from tests.flows.authorization.elsewhere_flows import CALLER, answered_call, ask, poll, waiting_handle
from tests.flows.authorization.raw import claims_of
from tests.flows.authorization.test_grant_api import LEDGERLY, REVOKE, Api
from tests.gateway_over_authority import AtGateway


@pytest.fixture
async def gateway(world: World, tmp_path: Path) -> AsyncIterator[AtGateway]:
    await world.register(LEDGERLY)
    made = AtGateway(world, tmp_path)
    yield made
    await made.spool.close()


@pytest.fixture
async def first(world: World, gateway: AtGateway) -> Tokens:
    """Good at the gateway, and used there, so that it is remembered."""
    made = await world.connect(world.app(LEDGERLY), "calendar.events", grant_management_action="create")
    assert await reason(gateway, made) == "admitted"
    return made


async def reason(gateway: AtGateway, tokens: Tokens) -> str:
    answer = await gateway.get(tokens.access_token)
    return "admitted" if answer.status_code == 200 else str(answer.json()["reason"])


async def change(world: World, tokens: Tokens, action: str, scope: str) -> Tokens:
    app = world.app(LEDGERLY)
    begun = await app.begin(scope=scope, grant_management_action=action, grant_id=tokens.grant_id)
    return await app.finish(begun, await world.allow(begun))


async def test_after_an_addition_the_old_token_is_refused_and_the_new_one_serves(
    world: World, gateway: AtGateway, first: Tokens
) -> None:
    """Covers: line 6 (merge), T6, I4."""
    now = await change(world, first, "merge", "bank.balances")
    assert await reason(gateway, first) == "grant_superseded"
    assert await reason(gateway, now) == "admitted"


async def test_after_a_replacement_nothing_serves_what_was_not_asked_again(
    world: World, gateway: AtGateway, first: Tokens
) -> None:
    """Covers: line 6 (replace), T6, I4."""
    now = await change(world, first, "replace", "bank.balances")
    assert await reason(gateway, first) == "grant_superseded"
    assert await reason(gateway, now) != "admitted"


async def test_a_grant_given_back_is_refused_at_once(world: World, gateway: AtGateway, first: Tokens) -> None:
    """Covers: line 6 (revoke), T10, I4."""
    assert (await Api(world).revoke(first.grant_id, REVOKE)).status_code == 204
    assert await reason(gateway, first) == "grant_revoked"


async def test_a_token_for_less_reaches_no_more_and_ends_with_the_rest(
    world: World, gateway: AtGateway, first: Tokens
) -> None:
    """Covers: RFC 6749 §6: what a refresh left out is refused at the gateway, too."""
    both = await change(world, first, "merge", "bank.balances")
    app = world.app(LEDGERLY)
    events = await app.refresh(both.refresh_token or "", scope="calendar.events")
    assert await reason(gateway, events) == "admitted"
    other = await app.refresh(events.refresh_token or "", scope="bank.balances")
    assert await reason(gateway, other) != "admitted"
    await Api(world).revoke(first.grant_id, REVOKE)
    assert await reason(gateway, events) == "grant_revoked"


async def test_a_backchannel_request_may_add_to_a_grant(world: World) -> None:
    """Covers: Grant Management §5.2: the parameters go with every authorization request, such as one of CIBA."""
    await world.register(CALLER)
    asked = await answered_call(world, scope="openid", grant_management_action="create")
    first = (await poll(world, asked, CALLER)).json()
    world.clock.pass_seconds(10)
    more = await answered_call(world, grant_management_action="merge", grant_id=first["grant_id"])
    second = (await poll(world, more, CALLER)).json()
    assert second["grant_id"] == first["grant_id"]
    assert claims_of(second["access_token"])["gver"] == 2
    for wrong in ({"grant_id": first["grant_id"]}, {"grant_management_action": "merge", "grant_id": "g_no"}):
        assert (await ask(world, **wrong)).status_code == 400


async def test_a_backchannel_request_about_another_persons_grant_is_refused(world: World) -> None:
    """Covers: Grant Management §5.4; CIBA §11 knows no error but a refusal for it."""
    await world.register(CALLER)
    asked = await answered_call(world, scope="openid", grant_management_action="create")
    first = (await poll(world, asked, CALLER)).json()
    world.clock.pass_seconds(10)
    ben = await world.sign_in("ben")
    more = await ask(world, login_hint="ben", grant_management_action="merge", grant_id=first["grant_id"])
    await world.interaction.arrive(await waiting_handle(world, "ben"), ben)
    world.clock.pass_seconds(10)
    told = await poll(world, more.json()["auth_req_id"], CALLER)
    assert (told.status_code, told.json()["error"]) == (400, "access_denied")
