"""A new epoch cuts off what was issued and touches nothing else of a consent."""

import pytest

from grantline.consent import raise_epoch
from grantline.model.consent import Status
from grantline.model.errors import Conflict
from grantline.model.feed import Kind
from grantline.model.ids import ConsentId
from grantline.model.reasons import Reason
from tests.consent_world import HOLDER


async def cut(world, state):
    return await world.work.write(lambda tx: raise_epoch(tx, world.consents, state), essential=True)


async def test_the_consent_stands_at_its_version_and_no_token_of_before_counts(world):
    """Covers: I4."""
    state, version = await world.given()
    entry = await cut(world, state)
    after = await world.state(state.consent_id)
    assert (after.status, after.version) == (Status.ACTIVE, 1)
    assert (after.epoch, after.min_epoch) == (2, 2)
    assert (entry.kind, entry.id, entry.min_epoch) == (Kind.GRANT, state.consent_id, 2)
    assert entry.cause == Reason.TOKEN_INVALID
    assert entry.until >= world.clock.wall_us() // 1_000_000 + world.consents.settings.longest_token
    held = await world.work.read(lambda tx: world.consents.require_active(tx, consent=state.consent_id))
    assert held == (after, version)


async def test_it_still_ends_by_itself_when_it_would_have(world):
    """Covers: T11."""
    state, version = await world.given()
    await cut(world, state)
    world.clock.seconds = version.expires_at
    (ending,) = await world.work.write(world.consents.expire_due)
    assert (ending.state.status, ending.state.epoch) == (Status.EXPIRED, 3)


async def test_of_what_does_not_stand_nothing_is_cut_off(world):
    """Covers: I6."""
    question = await world.request()
    assert await cut(world, question) is None
    state, _ = await world.given()
    ended = await world.work.write(
        lambda tx: world.consents.withdraw(tx, consent=ConsentId(state.consent_id), person=HOLDER), essential=True
    )
    entries = world.feed()
    assert await cut(world, ended.state) is None
    assert world.feed() == entries
    assert (await world.state(state.consent_id)).status is Status.WITHDRAWN


async def test_a_change_in_between_is_not_overwritten(world):
    """Covers: I2: what was read before is no ground to write on."""
    state, _ = await world.given()
    await cut(world, state)
    with pytest.raises(Conflict):
        await cut(world, state)
    assert (await world.state(state.consent_id)).epoch == 2
