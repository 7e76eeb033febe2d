"""Appending: order, idempotency, gaps, and what a failing disk does."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack

import msgspec
import orjson
import pytest

from grantline.crypto.merkle import leaf_hash, tree_root
from grantline.ledger.placing import Gap
from grantline.ledger.signer import Signer
from grantline.model.errors import AuditUnavailable, Conflict, InvalidConfiguration, InvalidRequest
from grantline.model.events import EventType, Submission
from grantline.storage.sqlite.connection import connect
from tests.ledger_world import SETTINGS, Producer, SteadyClock, about, event, ledger_in, open_ledger, open_stores


async def test_an_answered_event_is_in_the_tree_with_its_index(tmp_path):
    """Covers: AUDIT §5.1."""
    async with ledger_in(tmp_path) as world:
        said = about()
        accepted = await world.sequencer.append(Producer().says(said))
        assert (accepted.first_index, accepted.last_seq, accepted.size) == (1, 1, 2)
        leaf = orjson.loads(world.stores.entries.bodies(1, 2)[0])
        assert (leaf["id"], leaf["type"], leaf["prod"], leaf["pseq"]) == (said.event_id, said.type, "authority", 1)


async def test_the_frontier_is_the_root_over_the_rows(tmp_path):
    async with ledger_in(tmp_path) as world:
        producer = Producer()
        await asyncio.gather(*(world.sequencer.append(producer.says(about())) for _ in range(300)))
        frontier = world.stores.entries.head().frontier
        leaves = [leaf_hash(body) for body in world.stores.entries.bodies(0, 400)]
        assert frontier.size == len(leaves) == 301
        assert frontier.root() == tree_root(leaves)


async def test_the_first_entry_tells_that_the_log_started(tmp_path):
    """Covers: AUDIT §2 (the start of the log is on record)."""
    for starts in (1, 2):
        async with ledger_in(tmp_path) as world:
            leaves = [orjson.loads(body) for body in world.stores.entries.bodies(0, 10)]
            assert [leaf["type"] for leaf in leaves] == [EventType.LOG_STARTED] * starts


async def test_repeating_a_submission_gives_the_same_index_and_no_second_leaf(tmp_path):
    async with ledger_in(tmp_path) as world:
        submission = Producer().says(about(), about())
        first = await world.sequencer.append(submission)
        again = await world.sequencer.append(submission)
        assert (again.first_index, again.last_seq, again.size) == (first.first_index, first.last_seq, first.size)
        assert world.stores.entries.head().frontier.size == 3


async def test_the_same_event_after_a_restart_of_its_producer_is_known_by_its_id(tmp_path):
    async with ledger_in(tmp_path) as world:
        said = about()
        first = await world.sequencer.append(Producer(boot="b_1").says(said))
        fresh = about()
        again = await world.sequencer.append(Producer(boot="b_2").says(said, fresh))
        assert again.first_index == first.first_index
        assert again.last_seq == 2
        assert world.stores.entries.find([fresh.event_id]) == {fresh.event_id: 2}


async def test_twins_in_one_group_become_one_leaf(tmp_path):
    async with ledger_in(tmp_path) as world:
        submission = Producer().says(about())
        answers = await asyncio.gather(*(world.sequencer.append(submission) for _ in range(20)))
        assert {answer.first_index for answer in answers} == {1}
        assert world.stores.entries.head().frontier.size == 2


async def test_an_event_id_or_a_number_used_for_something_else_is_refused(tmp_path):
    async with ledger_in(tmp_path) as world:
        producer = Producer()
        said = about()
        await world.sequencer.append(producer.says(said))
        other = Producer(boot="b_2").says(msgspec.structs.replace(said, act="take"))
        with pytest.raises(Conflict, match="event id"):
            await world.sequencer.append(other)
        with pytest.raises(Conflict, match="sequence number"):
            await world.sequencer.append(Producer().says(about()))
        assert world.stores.entries.head().frontier.size == 2


async def test_a_hole_is_refused_with_the_number_that_is_expected(tmp_path):
    """Covers: AUDIT §5.3."""
    async with ledger_in(tmp_path) as world:
        producer = Producer()
        await world.sequencer.append(producer.says(about()))
        producer.says(about())
        with pytest.raises(Gap) as gap:
            await world.sequencer.append(producer.says(about()))
        assert gap.value.expected == 2
        assert world.stores.entries.head().frontier.size == 2


async def test_a_hole_that_stands_for_half_a_minute_is_put_on_record_and_passed(tmp_path):
    """Covers: AUDIT §5.3."""
    clock = SteadyClock()
    async with ledger_in(tmp_path, clock=clock) as world:
        producer = Producer()
        producer.says(about())
        late = producer.says(about())
        for seconds in (0, 29):
            clock.now_ns = 1 + seconds * 1_000_000_000
            with pytest.raises(Gap):
                await world.sequencer.append(late)
        clock.now_ns = 1 + 30 * 1_000_000_000
        accepted = await world.sequencer.append(late)
        leaves = [orjson.loads(body) for body in world.stores.entries.bodies(1, 3)]
        assert [leaf["type"] for leaf in leaves] == [EventType.LOG_GAP, EventType.CONSENT_GIVEN]
        assert accepted.first_index == 2


async def test_commit_times_never_go_back(tmp_path):
    clock = SteadyClock()
    async with ledger_in(tmp_path, clock=clock) as world:
        producer = Producer()
        for step in (5, -60_000_000, 3):
            clock.now_us += step
            await world.sequencer.append(producer.says(about()))
        times = [orjson.loads(body)["tc"] for body in world.stores.entries.bodies(0, 10)]
        assert times == sorted(times)


async def test_what_has_no_canonical_form_is_refused_and_harms_nobody_else(tmp_path):
    async with ledger_in(tmp_path) as world:
        bad = Producer("gw1").says(event(detail={"ratio": 0.5}))
        good = Producer().says(about())
        refused, accepted = await asyncio.gather(
            world.sequencer.append(bad), world.sequencer.append(good), return_exceptions=True
        )
        assert isinstance(refused, InvalidRequest)
        assert accepted.last_seq == 1
        for wrong in (Submission(producer="gw1", events=()), Producer().says(*(about() for _ in range(257)))):
            with pytest.raises(InvalidRequest):
                await world.sequencer.append(wrong)


async def test_a_full_disk_refuses_loses_nothing_and_passes_when_there_is_room(tmp_path):
    """Covers: AUDIT §5.2."""
    disk = Disk()
    async with ledger_in(tmp_path, connect=disk.connect) as world:
        producer = Producer()
        await world.sequencer.append(producer.says(about()))
        disk.full = True
        waiting = producer.says(about())
        with pytest.raises(AuditUnavailable):
            await world.sequencer.append(waiting)
        disk.full = False
        accepted = await world.sequencer.append(waiting)
        assert (accepted.first_index, accepted.size) == (2, 3)


async def test_a_commit_that_stands_although_it_failed_is_not_done_twice(tmp_path):
    """Covers: AUDIT §6.3."""
    disk = Disk()
    async with ledger_in(tmp_path, connect=disk.connect) as world:
        submission = Producer().says(about())
        disk.lies = True
        with pytest.raises(AuditUnavailable):
            await world.sequencer.append(submission)
        disk.lies = False
        accepted = await world.sequencer.append(submission)
        assert (accepted.first_index, accepted.size) == (1, 2)


async def test_only_one_process_appends_and_only_one_signs(tmp_path):
    """Covers: AUDIT §5.1, §6.5."""
    async with ledger_in(tmp_path) as world:
        with pytest.raises(InvalidConfiguration, match="another signer"):
            Signer(world.places.signer, "ledger.example/log")
        async with AsyncExitStack() as stack:
            with pytest.raises(InvalidConfiguration, match="Another process appends"):
                await open_ledger(SETTINGS, world.places, open_stores, stack)


class Disk:
    """Connections that fail as a disk does: before the commit, or after it."""

    def __init__(self):
        self.full = self.lies = False

    def connect(self, path):
        disk = self

        class Connection:
            def __init__(self):
                self._real = connect(path)

            def __getattr__(self, name):
                return getattr(self._real, name)

            def execute(self, sql, *values):
                if sql == "COMMIT" and disk.full:
                    raise sqlite3.OperationalError("database or disk is full")
                result = self._real.execute(sql, *values)
                if sql == "COMMIT" and disk.lies:
                    raise sqlite3.OperationalError("disk I/O error")
                return result

        return Connection()
