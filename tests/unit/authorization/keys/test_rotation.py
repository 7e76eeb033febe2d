"""A key is published, signs, verifies and goes; never early, never late, by one process alone."""

import asyncio
from pathlib import Path

import pytest

from grantline.authorization.keys import KeyState, Terms
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.model.errors import InvalidConfiguration, TemporarilyUnavailable
from grantline.model.feed import Kind
from grantline.model.ids import GatewayId
from tests.keys_world import TERMS, Drawer, KeysWorld

UNTIL_NEXT = TERMS.rotate_every - TERMS.publish_for


async def test_the_first_start_makes_a_key_that_signs_at_once(world: KeysWorld) -> None:
    await world.keeping.start()
    assert await world.kids(KeyState.ACTIVE) == [world.signs] == world.published == list(world.drawer.held)
    (told,) = await world.events()
    assert (told.act, told.res, told.detail["kid"], told.detail["state"]) == ("activate", "key", world.signs, "active")
    assert "d" not in told.detail["jwk"]
    await world.keeping.start()
    assert len(await world.rows()) == 1


async def test_the_next_key_is_published_for_as_long_as_a_jwks_may_be_kept_and_then_signs(world: KeysWorld) -> None:
    """Covers: check 114."""
    await world.keeping.start()
    first = world.signs
    await world.pass_seconds(UNTIL_NEXT - 1)
    assert world.published == [first]
    await world.pass_seconds(1)
    (following,) = await world.kids(KeyState.PUBLISHED)
    assert world.published == [first, following]
    assert [(one.kind, one.id, one.before_position) for one in await world.entries()] == [(Kind.KEY, following, None)]
    await world.pass_seconds(TERMS.publish_for - 1)
    assert world.signs == first
    await world.pass_seconds(1)
    assert world.signs == following
    assert world.published == [following, first]


async def test_the_former_key_verifies_until_the_last_token_it_signed_has_expired_and_is_destroyed(
    world: KeysWorld,
) -> None:
    """Covers: check 114."""
    await world.keeping.start()
    first = world.signs
    await world.pass_seconds(UNTIL_NEXT)
    await world.pass_seconds(TERMS.publish_for - 1)
    last = world.keeping.ring.for_alg("ES256").sign_jws(b"{}", "at+jwt")
    await world.pass_seconds(1)
    await world.pass_seconds(TERMS.longest_token)
    assert verify_jws(last, world.keeping.ring.find, "at+jwt") == b"{}"
    await world.pass_seconds(TERMS.verify_for - TERMS.longest_token)
    assert world.published == [world.signs]
    with pytest.raises(InvalidJws, match="unknown key"):
        verify_jws(last, world.keeping.ring.find, "at+jwt")
    assert first not in world.drawer.held
    assert [(one.act, one.detail["kid"] == first) for one in await world.events()] == [
        ("activate", True), ("publish", False), ("retire", True), ("activate", False), ("remove", True),
    ]  # fmt: skip
    assert [one.cause for one in await world.entries()] == ["key_published", "key_retired"]


async def test_a_gateway_that_has_not_said_that_it_holds_the_key_keeps_it_from_signing(world: KeysWorld) -> None:
    await world.keeping.start()
    first = world.signs
    world.waiting = [GatewayId("bank")]
    await world.pass_seconds(UNTIL_NEXT)
    await world.pass_seconds(10 * TERMS.publish_for)
    assert world.signs == first
    assert len(world.published) == 2
    world.waiting = ()
    await world.pass_seconds(0)
    assert world.signs != first


async def test_a_process_that_does_not_hear_gateways_leaves_it_to_the_one_that_does(world: KeysWorld) -> None:
    await world.keeping.start()
    first = world.signs
    world.waiting = None
    await world.pass_seconds(UNTIL_NEXT)
    await world.pass_seconds(TERMS.publish_for)
    assert world.signs == first
    other = world.process()
    other.lacking = lambda _kid: ()
    await other.step()
    assert other.ring.for_alg("ES256").public.kid != first
    await world.keeping.look()
    assert world.signs == other.ring.for_alg("ES256").public.kid


async def test_keys_that_no_gateway_needs_wait_for_the_clock_alone(tmp_path: Path) -> None:
    world = KeysWorld(tmp_path / "state.db", Terms(("EdDSA",), TERMS.rotate_every, 600, 300))
    await world.keeping.start()
    first = world.keeping.ring.for_alg("EdDSA").public.kid
    world.waiting = [GatewayId("bank")]
    await world.pass_seconds(UNTIL_NEXT)
    await world.pass_seconds(TERMS.publish_for)
    assert world.keeping.ring.for_alg("EdDSA").public.kid != first
    assert await world.entries() == []
    world.database.close()


async def test_of_many_processes_that_rotate_at_once_one_does(world: KeysWorld) -> None:
    """Covers: check 114."""
    processes = [world.process() for _ in range(6)]
    await asyncio.gather(*(one.start() for one in processes))
    assert len(await world.rows()) == 1
    for step in (UNTIL_NEXT, TERMS.publish_for, TERMS.verify_for):
        world.clock.pass_seconds(step)
        await asyncio.gather(*(one.step() for one in processes))
    await asyncio.gather(*(one.look() for one in processes))
    assert {one.ring.for_alg("ES256").public.kid for one in processes} == set(await world.kids(KeyState.ACTIVE))
    assert [one.act for one in await world.events()] == ["activate", "publish", "retire", "activate", "remove"]
    assert list(world.drawer.held) == await world.kids(KeyState.ACTIVE)


async def test_a_process_without_the_next_keys_private_half_signs_with_the_former_while_that_verifies(
    world: KeysWorld,
) -> None:
    await world.keeping.start()
    first = world.signs
    drawer = Drawer()
    drawer.held[first] = world.drawer.held[first]
    apart = world.process(drawer)
    await apart.start()
    await world.pass_seconds(UNTIL_NEXT)
    world.clock.pass_seconds(TERMS.publish_for)
    await apart.step()
    assert await world.kids(KeyState.ACTIVE) == [first]
    await world.keeping.step()
    assert world.signs != first
    await apart.step()
    assert apart.ring.for_alg("ES256").public.kid == first
    assert apart.ring.find(world.signs) is not None
    world.clock.pass_seconds(TERMS.verify_for)
    await apart.step()
    with pytest.raises(TemporarilyUnavailable):
        apart.ring.for_alg("ES256")


async def test_a_process_that_cannot_open_the_key_that_signs_does_not_start(world: KeysWorld) -> None:
    await world.keeping.start()
    world.drawer.locked = True
    with pytest.raises(InvalidConfiguration, match="no private key at hand for ES256"):
        await world.process().start()


async def test_an_algorithm_that_the_settings_drop_signs_no_more_and_verifies_for_a_while(world: KeysWorld) -> None:
    world.terms = Terms(("ES256", "EdDSA"), TERMS.rotate_every, 600, 300)
    before = world.process()
    await before.start()
    kid = before.ring.for_alg("EdDSA").public.kid
    await world.keeping.start()
    assert world.keeping.ring.find(kid) is not None
    with pytest.raises(TemporarilyUnavailable):
        world.keeping.ring.for_alg("EdDSA")
    await world.pass_seconds(TERMS.verify_for)
    assert world.keeping.ring.find(kid) is None
    assert world.keeping.ring.find_ever(kid) is not None


async def test_an_unknown_kid_finds_nothing(world: KeysWorld) -> None:
    """Covers: check 114."""
    await world.keeping.start()
    assert world.keeping.ring.find("nobody") is None
    assert world.keeping.ring.find_ever("nobody") is None
    assert world.keeping.ring.find(world.signs) is not None
