"""Routes that ask for a better sign-in say which, and let those through who have it."""

from typing import Any

import pytest

from grantline.gateway.enforce import Admitted, Refused
from grantline.gateway.explaining import demanded
from grantline.gateway.render import render
from grantline.model.reasons import Reason
from tests.unit.enforce.world import NOW, World

PASSWORD, MFA, PASSKEY = (f"urn:grantline:acr:{name}" for name in ("password", "mfa", "passkey"))


async def challenged(world: World, **claims: Any) -> str | None:
    """The challenge to a token with these claims; None when it may pass."""
    answer = await world.decide(authorization=f"DPoP {world.token(**claims)}")
    if isinstance(answer, Admitted):
        return None
    assert isinstance(answer, Refused)
    assert answer.deny.because is Reason.STEP_UP
    return dict(render(answer).headers)["www-authenticate"]


@pytest.mark.parametrize(
    ("told", "passes"),
    [
        (PASSWORD, False),
        (None, False),
        ("made-up", False),
        ("phrh", False),
        (MFA, True),
        (PASSKEY, True),
        ("phr", True),
    ],
)
async def test_a_level_is_met_by_itself_and_by_what_is_more(world: World, told: str | None, passes: bool) -> None:
    """Covers: line 1 (9470); RFC 9470 §6."""
    world.demand(acr_values=(MFA,))
    assert (await challenged(world, acr=told) is None) is passes


async def test_one_of_several_levels_is_enough_and_all_are_named(world: World) -> None:
    """Covers: RFC 9470 §3."""
    world.demand(acr_values=("phr", MFA))
    assert await challenged(world, acr=MFA) is None
    said = await challenged(world, acr=PASSWORD)
    assert said is not None
    assert said.startswith('DPoP error="insufficient_user_authentication"')
    assert f'acr_values="phr {MFA}"' in said
    assert "max_age" not in said


@pytest.mark.parametrize(("at", "passes"), [(NOW, True), (NOW - 60, True), (NOW - 61, False), (None, False)])
async def test_a_sign_in_counts_for_so_long_as_the_route_says(world: World, at: int | None, passes: bool) -> None:
    """Covers: line 1 (9470); RFC 9470 §3 (max_age)."""
    world.demand(max_age=60)
    said = await challenged(world, auth_time=at)
    assert (said is None) is passes
    assert said is None or 'max_age="60"' in said


async def test_routes_that_demand_nothing_ask_for_nothing(world: World) -> None:
    """A token that tells of no sign-in is as good there as any."""
    assert await challenged(world) is None


async def test_operators_are_told_what_a_route_demands(world: World) -> None:
    """For `grantline explain`: a consent alone cannot say whether a call passes there."""
    assert str(demanded(world.catalog, world.call())) == ""
    world.demand(acr_values=("phr", MFA), max_age=60)
    said = f"signed in at phr or {MFA}, signed in at most 60 s ago"
    assert str(demanded(world.catalog, world.call())) == said
    assert str(demanded(world.catalog, world.call("/nothing"))) == ""
