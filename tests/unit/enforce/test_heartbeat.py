"""A gateway counts its own records in the record."""

import asyncio
import random

import msgspec
import pytest

from grantline.gateway import heartbeat
from grantline.gateway.heartbeat import beat
from grantline.gateway.spool import Spool
from grantline.model.events import Event, EventType, Sequenced
from grantline.model.ids import EventId
from tests.ledger_processes import until
from tests.unit.enforce.world import ManualClock

randomness = random.Random(5).randbytes


@pytest.fixture
async def spool(tmp_path):
    found = Spool(tmp_path, ManualClock(), randomness)
    yield found
    await found.close()


def decision(n):
    return Event(
        event_id=EventId(f"e{n}"), type=EventType.GATEWAY_DECISION, t=ManualClock().us, act="read", res="accounts",
        out="permit", detail={"evaluation": f"ev_{n}"},
    )  # fmt: skip


def beats(spool):
    told = [msgspec.json.decode(kept.raw, type=Sequenced) for kept in spool.undelivered(1_000)]
    return [said for said in told if said.event.type == EventType.HEARTBEAT]


async def _count(spool, least):
    return len(beats(spool)) >= least


async def _any(found):
    return bool(found)


async def test_what_was_recorded_is_counted_once_and_silence_seldom(spool, monkeypatch):
    """Covers: AUDIT §5.3."""
    monkeypatch.setattr(heartbeat, "IDLE_BEATS", 30)
    troubles = []
    beating = asyncio.create_task(beat(spool, 0.01, ManualClock(), randomness, failures=troubles.append))
    for n in (1, 2):
        await spool.append(decision(n))
    await until(lambda: _count(spool, 1))
    await asyncio.sleep(0.1)
    (first,) = beats(spool)
    assert first.event.detail["boot"] == spool.boot
    assert first.event.detail["last"] == sum(first.event.detail["counts"].values()) == first.seq - 1
    await until(lambda: _count(spool, 2))
    assert beats(spool)[1].event.detail["counts"] == {"gateway.decision@1": 2, "producer.heartbeat@1": 1}
    beating.cancel()
    assert troubles == []


async def test_a_beat_that_cannot_be_recorded_is_told_and_left_out(tmp_path):
    full = Spool(tmp_path, ManualClock(), randomness, most=0)
    troubles = []
    beating = asyncio.create_task(beat(full, 0.001, ManualClock(), randomness, failures=troubles.append))
    await until(lambda: _any(troubles))
    beating.cancel()
    await full.close()
    assert "no heartbeat was recorded: 0 events wait" in troubles[0]
