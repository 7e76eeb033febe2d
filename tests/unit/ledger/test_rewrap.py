"""Everybody's key is wrapped anew: what a copy of before holds opens no more, and nothing of today is lost."""

import asyncio
import os
import shutil

import pytest

from grantline.ledger.keys import PersonKeys
from grantline.ledger.rewrap import STEP
from grantline.ledger.root_keys import is_due, next_of, open_root_keys
from grantline.model.errors import AuditUnavailable
from grantline.storage.sqlite.ledger_keys import SqliteKeyStore
from tests.ledger_processes import until
from tests.ledger_world import Producer, about, ledger_in, randomness
from tests.unit.ledger.test_erasure import ALL, fill, keys_of, readable


def people(count, start=0):
    return [about(f"p_{number}", f"g_{number}") for number in range(start, start + count)]


async def test_everything_opens_afterwards_and_the_root_key_before_is_nowhere(tmp_path):
    """Covers: AUDIT §5.5 (monthly rewrap)."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        before, old = readable(world), world.places.root_key.read_bytes()
        wrapped = [row.wrapped for row in world.stores.keys.after("", 100)]
        count = await world.ledger.rewrapping.turn()
        assert count == len(wrapped) == 5
        assert readable(world)[: len(before)] == before
        await world.sequencer.append(Producer(boot="b_2").says(*people(1)))
        for path in (path for path in tmp_path.rglob("*") if path.is_file()):
            assert old not in path.read_bytes(), path
            assert not any(one in path.read_bytes() for one in wrapped), path
        assert world.places.root_key.stat().st_mode & 0o077 == 0
    async with ledger_in(tmp_path) as world:
        assert readable(world)[: len(before)] == before


async def test_a_copy_of_before_opens_no_erased_person(tmp_path):
    """Covers: AUDIT §5.5 (an erasure is final when the key of its month is gone)."""
    async with ledger_in(tmp_path / "data") as world:
        await fill(world)
        (person, *_) = keys_of(world).of_person("p_ann")
        shutil.copy(tmp_path / "data/ledger/keys.db", tmp_path / "keys.db")
        shutil.copy(tmp_path / "data/ledger/keys.db-wal", tmp_path / "keys.db-wal")
        await world.ledger.eraser.erase(ALL)
        copy = SqliteKeyStore(tmp_path / "keys.db")
        roots = open_root_keys(world.places.root_key, randomness)
        assert PersonKeys(copy, roots, randomness).opened(person) is not None
        await world.ledger.rewrapping.turn()
        roots = open_root_keys(world.places.root_key, randomness)
        with pytest.raises(AuditUnavailable, match="root key that is not here"):
            PersonKeys(copy, roots, randomness).opened(person)
        copy.close()


async def test_a_change_that_was_cut_short_goes_on(tmp_path):
    """Some keys under the newer, some under the older: all open, new ones too, and the next turn ends it."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        before, rewrapping = readable(world), world.ledger.rewrapping
        await world.sequencer.between(rewrapping._begin)
        rows = world.stores.keys.after("", 2)
        world.stores.keys.rewrap([rewrapping._anew(row) for row in rows])
        assert next_of(world.places.root_key).exists()
    async with ledger_in(tmp_path) as world:
        assert is_due(world.places.root_key, 30)
        assert readable(world)[: len(before)] == before
        await world.sequencer.append(Producer(boot="b_2").says(*people(1)))
        await world.ledger.rewrapping.turn()
        assert not next_of(world.places.root_key).exists()
        assert not is_due(world.places.root_key, 30)
        assert readable(world)[: len(before)] == before


async def test_many_are_done_in_steps_and_appends_go_on_between_them(tmp_path, monkeypatch):
    async with ledger_in(tmp_path) as world:
        producer, between, steps = Producer(), world.sequencer.between, []
        for start in range(0, 300, 100):
            await world.sequencer.append(producer.says(*people(100, start)))

        async def counted(work):
            steps.append(work)
            await world.sequencer.append(producer.says(*people(1, 1_000 + len(steps))))
            return await between(work)

        monkeypatch.setattr(world.sequencer, "between", counted)
        assert STEP < await world.ledger.rewrapping.turn() < 2 * STEP
        assert len(steps) == 4, "begin, two steps, finish"
        assert len(readable(world)) == 99


def test_it_is_due_by_the_age_of_the_file(tmp_path):
    path = tmp_path / "root.key"
    open_root_keys(path, randomness)
    assert not is_due(path, 30)
    old = path.stat().st_mtime - 31 * 86_400
    os.utime(path, (old, old))
    assert is_due(path, 30)


async def test_the_process_turns_a_key_that_is_due_by_itself(tmp_path):
    """And tells of it in the record."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        root, size = world.places.root_key, world.stores.entries.head().frontier.size
        old = root.stat().st_mtime - 31 * 86_400
        os.utime(root, (old, old))
        turning = asyncio.create_task(world.ledger.keep_rewrapping())

        async def told():
            return world.stores.entries.head().frontier.size > size

        await until(told)
        turning.cancel()
        assert b"key.rotated@1" in world.stores.entries.bodies(size, size + 1)[0]
        assert not is_due(root, 30)
