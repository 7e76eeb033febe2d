"""A gateway asks for a better sign-in, the app sends the person through it, and the call passes (RFC 9470)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.model.levels import MFA, PASSWORD
from tests.authorization_world import World, load, make_world
from tests.flows.authorization.raw import claims_of
from tests.flows.authorization.test_introspection import api, ask
from tests.flows.authorization.test_opaque_tokens import OPEN
from tests.gateway_over_authority import AtGateway
from tests.grants_world import CALENDAR, agent
from tests.opaque_world import demanding, opaque_at


@pytest.fixture(params=["signed", "opaque"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The calendar demands two factors of which the person had the last hour."""
    catalog = load() if request.param == "signed" else opaque_at("calendar")
    made = await make_world(
        tmp_path / "state.db", catalog=demanding(catalog, "calendar", acr_values=(MFA,), max_age=3_600)
    )
    await made.register(OPEN, api("cal", CALENDAR))
    yield made
    await made.close()


@pytest.fixture
async def gateway(world: World, tmp_path: Path) -> AsyncIterator[AtGateway]:
    made = AtGateway(world, tmp_path)
    yield made
    await made.spool.close()


async def sign_in_better(world: World) -> None:
    """The person signs in with two factors."""
    secret = world.session.secret if world.session else None
    world.session = await world.database.write(
        lambda tx: world.sessions.begin(tx, world.people["ada"], ("pwd", "otp", "mfa"), secret, acr=MFA)  # type: ignore[arg-type]
    )


def asked(challenge: str) -> dict[str, str]:
    """What the challenge wants of the next authorization request."""
    return dict(re.findall(r'(acr_values|max_age)="([^"]*)"', challenge))


async def test_challenge_then_sign_in_then_the_call_passes(world: World, gateway: AtGateway) -> None:
    """Covers: line 1 (step-up, RFC 9470); check 57."""
    app = world.app(OPEN)
    weak = await world.connect(app, "calendar.events")
    refused = await gateway.get(weak.access_token)
    assert (refused.status_code, refused.json()["reason"]) == (401, "step_up")
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert asked(challenge) == {"acr_values": MFA, "max_age": "3600"}

    begun = await app.begin(scope="calendar.events", **asked(challenge))
    assert (await world.browse(begun.url)).headers["location"].startswith("/sign-in?"), "a password is not enough now"
    await sign_in_better(world)
    strong = await app.finish(begun, await world.allow(begun))
    assert strong.grant_id == weak.grant_id, "the person was not asked again what they agreed to"
    assert (await gateway.get(strong.access_token)).status_code == 200
    assert (await gateway.get(weak.access_token)).status_code == 401


async def test_the_sign_in_grows_old_and_a_refresh_does_not_make_it_young(world: World, gateway: AtGateway) -> None:
    """Covers: line 1 (RFC 9470 §3, max_age); RFC 9068 §2.2.1."""
    app = world.app(OPEN)
    await sign_in_better(world)
    tokens = await world.connect(app, "calendar.events")
    world.clock.pass_seconds(3_500)
    fresh = await app.refresh(tokens.refresh_token or "")
    assert (await gateway.get(fresh.access_token)).status_code == 200
    world.clock.pass_seconds(101)
    stale = await gateway.get(fresh.access_token)
    assert (stale.status_code, stale.json()["reason"]) == (401, "step_up")


async def test_token_and_introspection_tell_the_same_sign_in(world: World) -> None:
    """Covers: line 4 (acr and auth_time); RFC 9470 §6."""
    began = world.server.now()
    tokens = await world.connect(world.app(OPEN), "calendar.events")
    world.clock.pass_seconds(50)
    told = (await ask(world, "cal", tokens.access_token)).json()
    assert (told["acr"], told["auth_time"]) == (PASSWORD, began)
    if "." in tokens.access_token:
        claims = claims_of(tokens.access_token)
        assert (claims["acr"], claims["auth_time"]) == (PASSWORD, began)
        assert "amr" not in claims
    assert tokens.id_token is None, "an ID token needs openid"


async def test_what_an_agent_got_carries_the_sign_in_along(world: World, gateway: AtGateway) -> None:
    """Covers: check 149: acting for somebody is no sign-in of theirs."""
    otto = agent(subjects=("open",))
    await world.register(otto.client)
    weak = await world.connect(world.app(OPEN), "calendar.events")
    await sign_in_better(world)
    strong = await world.connect(world.app(OPEN), "calendar.events", acr_values=MFA)
    for whole, status in ((weak, 401), (strong, 200)):
        part = (await otto.exchange(world, whole.access_token)).json()["access_token"]
        assert (await gateway.get(part, otto.dpop)).status_code == status
