"""What an operator does from another process than the one that keeps the feed."""

import pytest

from grantline.model.errors import NotFound
from grantline.model.events import EventType
from grantline.model.feed import Position
from grantline.model.ids import GatewayId
from grantline.signals.feed.operating import SKIP, raise_incarnation, remove_gateway
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.store import EnrolledGateway
from tests.feed_world import FENCE_MS, World


async def _remove(world: World, name: str) -> None:
    await world.work.write(lambda tx: remove_gateway(tx, GatewayId(name), world.clock, world.randomness))


async def test_a_gateway_removed_from_elsewhere_gets_no_more_beats_and_is_waited_for() -> None:
    """Covers: feed C7."""
    world = await World().start()
    gone, stays = await world.gateway("gone"), await world.gateway("stays")
    await _remove(world, "gone")
    world.pass_ms(1_900)
    for gateway in (gone, stays):
        gateway.ping()
    await world.feed.beat()
    for gateway in (gone, stays):
        gateway.hear()
    seq = await world.end("other")
    stays.hear()
    await stays.ack()
    assert not await world.closed(seq)
    world.pass_ms(200)
    assert not gone.stands()
    assert stays.stands()
    world.pass_ms(FENCE_MS)
    assert await world.closed(seq)
    assert [event.act for event in world.events() if event.type is EventType.GATEWAY_LEFT] == ["remove"]


async def test_a_session_of_a_replaced_key_gets_no_more_beats_and_is_waited_for() -> None:
    """Covers: feed C7. The one who enrolled with the new key has not connected yet."""
    world = await World().start()
    older, stays = await world.gateway("older"), await world.gateway("stays")
    anew = EnrolledGateway(gateway=GatewayId("older"), thumbprint="new", jwk={}, enrolled_us=world.clock.wall_us())
    await world.work.write(lambda tx: tx.gateways.enrolments.enrol(anew))
    world.pass_ms(1_900)
    for gateway in (older, stays):
        gateway.ping()
    await world.feed.beat()
    for gateway in (older, stays):
        gateway.hear()
    assert older.dropped
    assert not stays.dropped
    world.pass_ms(200)
    assert not older.stands()
    assert stays.stands()
    seq = await world.end("other")
    stays.hear()
    await stays.ack()
    assert not await world.closed(seq)
    world.pass_ms(FENCE_MS)
    assert await world.closed(seq)


async def test_a_key_that_is_enrolled_again_keeps_its_session() -> None:
    world = await World().start()
    gateway = await world.gateway()
    again = EnrolledGateway(gateway=gateway.name, thumbprint="bank", jwk={}, enrolled_us=world.clock.wall_us())
    await world.work.write(lambda tx: tx.gateways.enrolments.enrol(again))
    world.pass_ms(1_900)
    await gateway.round()
    world.pass_ms(1_900)
    assert gateway.stands()


async def test_only_a_gateway_that_is_there_can_be_removed() -> None:
    world = await World().start()
    with pytest.raises(NotFound):
        await _remove(world, "nobody")
    assert world.events() == []


async def test_after_a_restore_gateways_deny_and_take_everything_anew() -> None:
    """Covers: feed C10."""
    world = await World().start()
    gateway = await world.gateway()
    await world.end("ended")
    gateway.hear()
    position = await world.work.write(lambda tx: raise_incarnation(tx, world.clock, world.randomness))
    assert position == Position(2, 1 + SKIP + 1)
    gateway.ping()
    with pytest.raises(NotKeeper):
        await world.feed.beat()
    await world.start()
    await gateway.connect()
    gateway.hear()
    assert gateway.findings == ["feed_incarnation_changed"]
    assert not gateway.stands()
    await gateway.round()
    assert gateway.stands()
    assert world.events()[-1].type in {EventType.FEED_INCARNATION, EventType.GATEWAY_JOINED}
