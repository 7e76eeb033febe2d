"""A disk that gets full: told while there is room, and nothing is taken at the end."""

import asyncio

import orjson
import pytest

from grantline.ledger.room import LOOK_NS, Space
from grantline.model.errors import AuditUnavailable
from grantline.model.events import EventType
from tests.ledger_world import Disk, Producer, SteadyClock, about, ledger_in

MIB = 1024 * 1024
GIB = 1024 * MIB


async def test_below_the_lower_mark_nothing_is_taken_and_above_it_again(tmp_path):
    """Covers: AUDIT §4, AUDIT §5.2."""
    disk, clock = Disk(2 * GIB), SteadyClock()
    async with ledger_in(tmp_path, space=disk, clock=clock) as world:
        producer = Producer()
        said = producer.says(about())
        for now in (Space(GIB - 1, 100 * GIB), Space(99 * MIB, 2 * GIB), None):
            disk.now, clock.now_ns = now, clock.now_ns + LOOK_NS
            with pytest.raises(AuditUnavailable, match="nearly full"):
                await world.sequencer.append(said)
        for now in (Space(GIB, 100 * GIB), Space(103 * MIB, 2 * GIB)):
            disk.now, clock.now_ns = now, clock.now_ns + LOOK_NS
            await world.sequencer.append(said)
        assert world.stores.entries.head().frontier.size == 2


@pytest.mark.parametrize(
    ("space", "low"),
    [
        (Space(4 * GIB - 1, 100 * GIB), True), (Space(4 * GIB, 100 * GIB), False),
        (Space(399 * MIB, 2_000 * MIB), True), (Space(400 * MIB, 2_000 * MIB), False),
    ],
)  # fmt: skip
async def test_low_is_a_share_of_a_small_disk_and_an_amount_on_a_large_one(tmp_path, space, low):
    async with ledger_in(tmp_path, space=Disk(*space)) as world:
        assert world.ledger.room.low is low


async def test_each_time_room_gets_low_the_record_says_so_once(tmp_path):
    """Covers: AUDIT §5.2."""
    disk = Disk(2 * GIB)
    async with ledger_in(tmp_path, space=disk) as world:

        def told():
            leaves = [orjson.loads(body) for body in world.stores.entries.bodies(0, 100)]
            return [leaf["rsn"] for leaf in leaves if leaf["type"] == EventType.FINDING]

        watching = asyncio.create_task(world.ledger.room.keep_watching(world.ledger.findings.tell, every_s=0.01))
        for times, free in ((1, 2 * GIB), (1, 50 * GIB), (2, 2 * GIB)):
            disk.now = Space(free, 100 * GIB)
            await asyncio.sleep(0.15)
            assert told() == ["disk_low"] * times
        watching.cancel()
