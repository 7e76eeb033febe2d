"""A key is compromised: it ends in one transaction, and another signs from that moment."""

import pytest

from grantline.authorization.keys import KeyState
from grantline.crypto import private_keys
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.crypto.signing import SigningKey
from grantline.model.errors import Conflict, NotFound
from grantline.model.events import EventType
from grantline.model.feed import Kind
from grantline.model.reasons import Reason
from tests.keys_world import TERMS, KeysWorld


async def end(world: KeysWorld, kid: str, fresh: SigningKey | None = None) -> None:
    await world.database.write(lambda tx: world.changes.compromised(tx, kid, fresh, "file"))
    await world.keeping.look()


async def test_the_key_that_signs_is_replaced_by_a_new_one_at_once(world: KeysWorld) -> None:
    """Covers: check 114."""
    await world.keeping.start()
    stolen = world.signs
    forged = world.keeping.ring.for_alg("ES256").sign_jws(b"{}", "at+jwt")
    fresh = world.drawer.create("ES256")
    await end(world, stolen, fresh)
    assert world.signs == fresh.public.kid
    assert world.published == [fresh.public.kid]
    with pytest.raises(InvalidJws, match="unknown key"):
        verify_jws(forged, world.keeping.ring.find, "at+jwt")
    assert world.keeping.ring.find_ever(stolen) is None
    (entry,) = await world.entries()
    assert (entry.kind, entry.id, entry.cause) == (Kind.KEY, stolen, Reason.KEY_COMPROMISED)
    assert entry.before_position is not None
    told = (await world.events())[1:]
    assert [(one.act, one.rsn, one.detail["kid"]) for one in told] == [
        ("remove", Reason.KEY_COMPROMISED, stolen),
        ("activate", None, fresh.public.kid),
    ]
    (finding,) = await world.events(EventType.FINDING)
    assert (finding.rsn, finding.out, finding.detail["kid"]) == (Reason.KEY_COMPROMISED, "error", stolen)


async def test_the_waiting_key_takes_the_place_because_gateways_may_have_it(world: KeysWorld) -> None:
    await world.keeping.start()
    stolen = world.signs
    await world.pass_seconds(TERMS.rotate_every - TERMS.publish_for)
    (waiting,) = await world.kids(KeyState.PUBLISHED)
    await end(world, stolen)
    assert world.signs == waiting


async def test_a_waiting_key_that_was_stolen_never_signs(world: KeysWorld) -> None:
    await world.keeping.start()
    first = world.signs
    await world.pass_seconds(TERMS.rotate_every - TERMS.publish_for)
    (waiting,) = await world.kids(KeyState.PUBLISHED)
    await end(world, waiting)
    await world.pass_seconds(0)
    (another,) = await world.kids(KeyState.PUBLISHED)
    await world.pass_seconds(TERMS.publish_for)
    assert world.signs == another not in (first, waiting)


async def test_a_retired_key_that_was_stolen_verifies_no_more(world: KeysWorld) -> None:
    await world.keeping.start()
    first = world.signs
    await world.pass_seconds(TERMS.rotate_every - TERMS.publish_for)
    await world.pass_seconds(TERMS.publish_for)
    signs = world.signs
    assert world.keeping.ring.find(first) is not None
    await end(world, first)
    assert world.keeping.ring.find(first) is None
    assert world.signs == signs


async def test_a_key_that_is_gone_or_never_was_is_told_apart(world: KeysWorld) -> None:
    await world.keeping.start()
    stolen = world.signs
    with pytest.raises(NotFound):
        await end(world, "nobody")
    await end(world, stolen, world.drawer.create("ES256"))
    with pytest.raises(Conflict, match="gone already"):
        await end(world, stolen, world.drawer.create("ES256"))
    assert len(await world.events(EventType.FINDING)) == 1


async def test_without_another_key_at_hand_nothing_is_changed(world: KeysWorld) -> None:
    from grantline.authorization.keys import Overtaken

    await world.keeping.start()
    stolen = world.signs
    with pytest.raises(Overtaken):
        await end(world, stolen)
    await world.keeping.look()
    assert world.signs == stolen
    assert await world.entries() == []
    assert await world.events(EventType.FINDING) == []


async def test_a_key_of_another_algorithm_is_replaced_by_one_of_its_own(world: KeysWorld) -> None:
    from grantline.authorization.keys import Terms

    world.terms = Terms(("ES256", "EdDSA"), TERMS.rotate_every, 600, 300)
    world.keeping = world.process()
    await world.keeping.start()
    tokens, stolen = world.signs, world.keeping.ring.for_alg("EdDSA").public.kid
    fresh = private_keys.read(private_keys.generate("EdDSA"), "EdDSA")
    world.drawer.held[fresh.public.kid] = fresh
    await end(world, stolen, fresh)
    assert world.keeping.ring.for_alg("EdDSA").public.kid == fresh.public.kid
    assert world.signs == tokens
