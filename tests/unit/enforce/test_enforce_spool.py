"""The gateway's own record: durable, without gaps, bounded, and telling when it was damaged."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from grantline.gateway import spool as spool_module
from grantline.gateway.segments import SUFFIX, read
from grantline.gateway.shipper import drain, ship
from grantline.gateway.spool import KEEP_US, LONGEST_LAG_US, Spool
from grantline.ledger.ingest import MAX_BODY
from grantline.ledger.set_aside import SetAside
from grantline.model.errors import AuditUnavailable, InvalidRequest
from grantline.model.events import Accepted, Event, EventType, Sequenced, Submission
from grantline.model.ids import ConsentId, EventId
from tests.unit.enforce.world import ManualClock

Open = Callable[..., Spool]


@pytest.fixture
def aside(tmp_path: Path) -> SetAside:
    return SetAside(tmp_path / "aside")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest_asyncio.fixture
async def opened(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Open]:
    """Opens the spool of one folder, again and again; all are closed in the end."""
    spools: list[Spool] = []

    def open_(**settings: Any) -> Spool:
        spools.append(Spool(tmp_path, clock, random.Random(len(spools)).randbytes, **settings))
        return spools[-1]

    yield open_
    for spool in spools:
        if not spool._closing:
            await spool.close()


def event(clock: ManualClock, n: int = 0, kind: EventType = EventType.GATEWAY_DECISION, **detail: Any) -> Event:
    return Event(
        event_id=EventId(f"e{n}"), type=kind, t=clock.us, act="read", res="transactions", out="permit",
        consent=ConsentId("g_1"), detail={"evaluation": f"ev_{n}", **detail},
    )  # fmt: skip


def numbers(spool: Spool) -> list[int]:
    return [kept.seq for kept in spool.undelivered(100_000)]


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


async def append_many(spool: Spool, clock: ManualClock, count: int) -> None:
    for n in range(count):
        await spool.append(event(clock, n))


async def emptied(spool: Spool) -> None:
    for _ in range(1_000):
        if not numbers(spool):
            return
        await asyncio.sleep(0.01)


class Ledger:
    """Takes submissions as the real one does: in order, once, and says what it holds."""

    def __init__(self) -> None:
        self.held: list[Sequenced] = []
        self.down = False
        self.asked = asyncio.Event()

    async def submit(self, submission: Submission) -> Accepted:
        self.asked.set()
        if self.down:
            raise ConnectionError("the ledger is away")
        wire = msgspec.json.decode(msgspec.json.encode(submission), type=Submission)
        self.held += [one for one in wire.events if one.seq > len(self.held)]
        assert [one.seq for one in self.held] == list(range(1, len(self.held) + 1))
        return Accepted(boot=wire.events[-1].boot, last_seq=len(self.held), first_index=0, size=len(self.held))


async def test_events_are_numbered_from_one_without_gaps(opened: Open, clock: ManualClock) -> None:
    spool = opened()
    given = await asyncio.gather(*(spool.append(event(clock, n)) for n in range(500)))
    assert given == list(range(1, 501)) == numbers(spool)


async def test_a_restart_goes_on_with_the_same_numbering_and_loses_nothing(opened: Open, clock: ManualClock) -> None:
    first = opened()
    await asyncio.gather(*(first.append(event(clock, n)) for n in range(3)))
    await first.close()
    again = opened()
    assert (again.boot, numbers(again), again.damage) == (first.boot, [1, 2, 3], ())
    assert await again.append(event(clock, 4)) == 4
    await again.close()
    assert numbers(opened()) == [1, 2, 3, 4]


async def test_numbering_goes_on_when_everything_was_delivered(opened: Open, clock: ManualClock) -> None:
    spool = opened()
    await spool.append(event(clock))
    spool.delivered(1)
    await spool.close()
    again = opened()
    assert (numbers(again), await again.append(event(clock, 2)), again.boot) == ([], 2, spool.boot)


async def test_the_files_turn_when_full_and_go_once_delivered_and_old(
    opened: Open, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 4_096)
    spool = opened()
    await append_many(spool, clock, 40)
    files = files_of(tmp_path)
    assert len(files) > 2
    spool.delivered(40)
    assert files_of(tmp_path) == files
    clock.forward(KEEP_US / 1e6 + 1)
    spool.delivered(40)
    assert files_of(tmp_path) == files[-1:]
    await spool.close()
    assert await opened().append(event(clock, 41)) == 41


async def test_the_chain_holds_over_files_and_restarts(
    opened: Open, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 4_096)
    for _ in range(3):
        spool = opened()
        await append_many(spool, clock, 20)
        await spool.close()
    link = bytes(32).hex()
    for path in files_of(tmp_path):
        header, frames = read(path)
        assert header.link == link
        link = ([own.hex() for _, own in frames] or [link])[-1]
    assert numbers(opened()) == list(range(1, 61))


async def test_calls_without_outcome_are_known_after_a_restart(opened: Open, clock: ManualClock) -> None:
    spool = opened()
    await spool.append(event(clock, 1, lineage=[["g_0", 1], ["g_1", 2]]))
    await spool.append(event(clock, 2))
    await spool.append(event(clock, 2, EventType.GATEWAY_OUTCOME), outcome=True)
    spool.delivered(3)
    await spool.close()
    [left] = opened().open_decisions
    assert (left.evaluation, left.grants, left.seq) == ("ev_1", ("g_1", "g_0"), 1)


async def test_a_torn_tail_is_told_and_what_stood_before_it_stays(
    opened: Open, clock: ManualClock, tmp_path: Path
) -> None:
    spool = opened()
    await append_many(spool, clock, 3)
    await spool.close()
    [path] = files_of(tmp_path)
    content = bytearray(path.read_bytes())
    end = len(bytes(content).rstrip(b"\0"))
    content[end - 20 : end] = bytes(20)
    path.write_bytes(content)
    again = opened()
    assert numbers(again) == [1, 2]
    assert len(again.damage) == 1
    assert await again.append(event(clock, 9)) == 3


@pytest.mark.parametrize("part", ["length", "checksum", "link", "bytes"])
async def test_any_changed_byte_is_found(opened: Open, clock: ManualClock, tmp_path: Path, part: str) -> None:
    spool = opened()
    await append_many(spool, clock, 3)
    await spool.close()
    [path] = files_of(tmp_path)
    content = bytearray(path.read_bytes())
    start = content.index(b'{"boot":"' + spool.boot.encode() + b'","seq":2')
    content[start - {"length": 37, "checksum": 33, "link": 1, "bytes": -9}[part]] ^= 1
    path.write_bytes(content)
    again = opened()
    assert numbers(again) == [1]
    assert again.damage != ()


async def test_more_than_fits_is_refused_and_outcomes_have_room_left(opened: Open, clock: ManualClock) -> None:
    spool = opened(most=3)
    await asyncio.gather(*(spool.append(event(clock, n)) for n in range(3)))
    with pytest.raises(AuditUnavailable):
        spool.append(event(clock, 4))
    for n in range(3):
        await spool.append(event(clock, n, EventType.GATEWAY_OUTCOME), outcome=True)
    with pytest.raises(AuditUnavailable):
        spool.append(event(clock, 9), outcome=True)
    spool.delivered(4)
    assert await spool.append(event(clock, 5)) == 7


async def test_a_ledger_too_far_behind_refuses_until_it_has_caught_up(opened: Open, clock: ManualClock) -> None:
    spool = opened()
    await spool.append(event(clock))
    clock.forward(LONGEST_LAG_US / 1e6)
    await spool.append(event(clock, 2))
    clock.forward(0.001)
    with pytest.raises(AuditUnavailable):
        spool.append(event(clock, 3))
    spool.delivered(1)
    assert await spool.append(event(clock, 4)) == 3


async def test_a_failed_sync_refuses_this_and_everything_after(
    opened: Open, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what a disk holds after a failed sync; asking again would say yes to nothing."""
    spool = opened()
    await spool.append(event(clock))

    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fails)
    with pytest.raises(AuditUnavailable):
        await spool.append(event(clock, 2))
    monkeypatch.undo()
    with pytest.raises(AuditUnavailable):
        spool.append(event(clock, 3))


class Syncs:
    """Counts what the disk is asked to sync."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._sync = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self)

    def __call__(self, descriptor: int) -> None:
        self.count += 1
        self._sync(descriptor)


async def test_outcomes_are_synced_with_the_next_decision_in_their_order(
    opened: Open, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: ARCHITECTURE.md, Processes (durable before the upstream call; one sync for it)."""
    monkeypatch.setattr(spool_module, "_OUTCOME_WAITS_S", 30)
    spool = opened()
    outcomes = [spool.append(event(clock, n, EventType.GATEWAY_OUTCOME), outcome=True) for n in range(3)]
    for _ in range(50):  # The writer's thread has every chance to begin too early.
        await asyncio.to_thread(os.sched_yield)
    assert not any(outcome.done() for outcome in outcomes)
    syncs = Syncs(monkeypatch)
    assert await spool.append(event(clock, 3)) == 4
    assert [await outcome for outcome in outcomes] == [1, 2, 3]
    assert syncs.count == 1


async def test_outcomes_that_no_decision_follows_are_durable_by_themselves(opened: Open, clock: ManualClock) -> None:
    spool = opened()
    async with asyncio.timeout(5):
        assert await spool.append(event(clock, 1, EventType.GATEWAY_OUTCOME), outcome=True) == 1


async def test_closing_writes_outcomes_that_still_wait(
    opened: Open, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_OUTCOME_WAITS_S", 30)
    spool = opened()
    await spool.append(event(clock, 1))
    spool.append(event(clock, 1, EventType.GATEWAY_OUTCOME), outcome=True)
    await spool.close()
    assert opened().open_decisions == ()


async def test_no_room_for_a_new_file_refuses_and_recovers_when_there_is(
    opened: Open, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 4_096)
    spool = opened()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(AuditUnavailable):
            await append_many(spool, clock, 40)
        last = numbers(spool)[-1]
    assert await spool.append(event(clock, 99)) == last + 1


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "spool").write_text("a file stands here")
    with pytest.raises(AuditUnavailable):
        Spool(tmp_path / "spool", clock, random.Random(1).randbytes)


async def test_an_event_too_large_to_keep_is_refused(opened: Open, clock: ManualClock) -> None:
    with pytest.raises(AuditUnavailable):
        opened().append(event(clock, 1, why="x" * 20_000))


async def test_everything_reaches_the_ledger_in_order_though_it_was_away(
    opened: Open, clock: ManualClock, aside: SetAside
) -> None:
    spool, ledger = opened(), Ledger()
    ledger.down = True
    shipping = asyncio.create_task(ship(spool, "bank-1", ledger.submit, aside=aside))
    await asyncio.gather(*(spool.append(event(clock, n)) for n in range(1_200)))
    await ledger.asked.wait()
    assert numbers(spool)[0] == 1
    ledger.down = False
    await emptied(spool)
    shipping.cancel()
    assert [one.event.event_id for one in ledger.held] == [f"e{n}" for n in range(1_200)]
    assert {one.boot for one in ledger.held} == {spool.boot}


async def test_no_submission_is_larger_than_the_ledger_takes(opened: Open, clock: ManualClock, aside: SetAside) -> None:
    """Otherwise a burst of large events would be refused for ever, and every call after it."""
    spool, ledger, sizes = opened(), Ledger(), []

    async def submit(submission: Submission) -> Accepted:
        sizes.append(len(msgspec.json.encode(submission)))
        return await ledger.submit(submission)

    await asyncio.gather(*(spool.append(event(clock, n, why="x" * 16_000)) for n in range(400)))
    await drain(spool, "bank-1", submit, aside)
    assert len(ledger.held) == 400
    assert max(sizes) <= MAX_BODY


async def test_what_was_left_is_delivered_after_a_restart(opened: Open, clock: ManualClock, aside: SetAside) -> None:
    spool, ledger = opened(), Ledger()
    await asyncio.gather(*(spool.append(event(clock, n)) for n in range(10)))
    await drain(spool, "bank-1", ledger.submit, aside)
    await asyncio.gather(*(spool.append(event(clock, n)) for n in range(10, 13)))
    await spool.close()
    await drain(opened(), "bank-1", ledger.submit, aside)
    assert len(ledger.held) == 13


async def test_what_the_ledger_refuses_is_set_aside_and_holds_up_nobody(
    opened: Open, clock: ManualClock, aside: SetAside, tmp_path: Path
) -> None:
    """The number of a refused event goes to the finding that tells of it, also when an answer got lost."""
    spool, ledger, lost = opened(), Ledger(), ["an answer"]

    async def submit(submission: Submission) -> Accepted:
        events = msgspec.json.decode(msgspec.json.encode(submission), type=Submission).events
        if any(said.event.event_id == "e3" for said in events):
            raise InvalidRequest("No.")
        accepted = await ledger.submit(submission)
        if lost and events[0].seq == 4:
            raise AuditUnavailable(lost.pop())
        return accepted

    await asyncio.gather(*(spool.append(event(clock, n)) for n in range(6)))
    with pytest.raises(AuditUnavailable):
        await drain(spool, "bank-1", submit, aside)
    await drain(spool, "bank-1", submit, aside)
    held = {one.seq: one.event for one in ledger.held}
    assert list(held) == [1, 2, 3, 4, 5, 6]
    assert [one.event_id for seq, one in held.items() if seq != 4] == ["e0", "e1", "e2", "e4", "e5"]
    assert (held[4].type, held[4].rsn, held[4].detail["event"]) == (EventType.FINDING, "event_refused", "e3")
    assert len({one.event.event_id for one in ledger.held if one.seq == 4}) == 1
    (line,) = (tmp_path / "aside").read_text().splitlines()
    assert '"event_id":"e3"' in line
