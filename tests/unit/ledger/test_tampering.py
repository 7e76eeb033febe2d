"""Every way of changing what was recorded is found and named (AUDIT §4)."""

import sqlite3

import pytest

from grantline.crypto.merkle import leaf_hash
from grantline.crypto.tiles import ENTRIES, Tile, bundle, tiles, unbundle
from grantline.ledger.export import export
from grantline.ledger.published import Published
from grantline.ledger.signer import Refused
from grantline.ledger.verify import verify
from grantline.model.errors import InvalidConfiguration
from tests.ledger_world import Producer, about, ledger_in


async def grown(world, count, producer=None):
    producer = producer or Producer()
    for _ in range(0, count, 200):
        await world.sequencer.append(producer.says(*(about() for _ in range(min(200, count)))))
        count -= 200
    return await world.publish()


@pytest.fixture
async def log(tmp_path):
    """An export of 301 entries: a full tile, a partial one, and a tile above."""
    async with ledger_in(tmp_path / "data") as world:
        assert await grown(world, 300) == 301
        export(world.published, tmp_path / "export")
    return Published(tmp_path / "export")


def rewrite(log, tile, change):
    path = log.directory / tile.path
    path.write_bytes(change(path.read_bytes()))


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


async def test_an_untouched_log_verifies_with_the_key_from_elsewhere(log):
    """Covers: line 9, AUDIT §2."""
    report = verify(log, vkey=log.vkey())
    assert (report.ok, report.size, report.problem) == (True, 301, None)


async def test_a_flipped_byte_in_any_file_is_found(log):
    """Covers: line 9, AUDIT §2."""
    for tile in tiles(301):
        whole = (log.directory / tile.path).read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 50)):
            (log.directory / tile.path).write_bytes(flipped(whole, at))
            report = verify(log)
            assert not report.ok, (tile.path, at)
            assert report.problem is not None
            assert "tile/" in report.problem
        (log.directory / tile.path).write_bytes(whole)
    assert verify(log).ok
    note = log.checkpoint()
    for at in range(len(note)):
        (log.directory / "checkpoint").write_text(note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :])
        report = verify(log)
        assert not report.ok, at
        assert report.problem.startswith("checkpoint")


async def test_an_edited_entry_is_named(log):
    rewrite(log, Tile(ENTRIES, 0), lambda data: data.replace(b'"pseq":77,', b'"pseq":78,'))
    report = verify(log)
    assert (report.ok, report.index) == (False, 77)
    assert "tile/entries/000: entry 77" in report.problem


async def test_an_entry_edited_together_with_its_tile_is_found(log):
    def edit(tile):
        entries = unbundle((log.directory / tile.path).read_bytes())
        entries[10] = entries[10].replace(b'"out":"permit"', b'"out":"denied"')
        (log.directory / tile.path).write_bytes(bundle(entries))
        hashes = b"".join(leaf_hash(entry) for entry in entries)
        (log.directory / tile._replace(level=0).path).write_bytes(hashes)

    before = {tile: (log.directory / tile.path).read_bytes() for tile in tiles(301)}
    edit(Tile(ENTRIES, 0))
    report = verify(log)
    assert (report.ok, report.index, report.problem) == (False, 0, "tile/0/000 does not lead to tile/1/000.p/1")
    for tile, data in before.items():
        (log.directory / tile.path).write_bytes(data)
    edit(Tile(ENTRIES, 1, 45))
    report = verify(log)
    assert (report.ok, report.problem) == (False, "checkpoint: the entries do not lead to the signed root")


@pytest.mark.parametrize("change", [lambda e: e[:5] + e[6:], lambda e: [*e[:5], e[6], e[5], *e[7:]]])
async def test_an_entry_deleted_inside_or_moved_is_found(log, change):
    rewrite(log, Tile(ENTRIES, 0), lambda data: bundle(change(unbundle(data))))
    assert not verify(log).ok


async def test_a_missing_tile_is_told_apart_from_a_wrong_one(log):
    (log.directory / Tile(0, 1, 45).path).unlink()
    report = verify(log)
    assert (report.ok, report.missing, report.index) == (False, True, 256)


async def test_a_key_that_is_not_the_logs_is_refused(log):
    other = "audit.example/log1+72c3d033+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
    assert "no signature by a known key" in verify(log, vkey=other).problem


async def test_rows_changed_behind_the_published_files_are_named(tmp_path):
    async with ledger_in(tmp_path) as world:
        await grown(world, 300)
        rows = world.stores.entries
        assert verify(world.published, rows=rows).ok
        with sqlite3.connect(world.places.ledger / "ledger.db") as database:
            database.execute("UPDATE entries SET body = CAST(replace(body, 'give', 'gave') AS BLOB) WHERE idx = 260")
        report = verify(world.published, rows=rows)
        assert (report.index, report.problem) == (260, "ledger.db: entry 260 was changed")


async def test_a_shortened_log_is_found_by_who_saw_it_longer(tmp_path):
    """Covers: AUDIT §4 rollback."""
    state = tmp_path / "seen.json"
    async with ledger_in(tmp_path / "data") as world:
        await grown(world, 20)
        export(world.published, tmp_path / "old")
        await grown(world, 20, Producer(boot="b_2"))
        assert verify(world.published, state=state).ok
    report = verify(Published(tmp_path / "old"), state=state)
    assert (report.ok, report.index) == (False, 21)
    assert report.problem.startswith("rollback: 41 entries")
    assert verify(Published(tmp_path / "old")).ok


async def test_a_fork_is_found_by_who_saw_the_other_side(tmp_path):
    """Covers: AUDIT §4 fork. The operator has the log's key: only memory helps."""
    state = tmp_path / "seen.json"
    seed = b"\x05" * 32
    for name, size in (("one", 10), ("two", 20)):
        signer = tmp_path / name / "signer"
        signer.mkdir(parents=True)
        (signer / "seed").touch(0o600)
        (signer / "seed").write_bytes(seed)
        async with ledger_in(tmp_path / name) as world:
            await grown(world, size)
            report = verify(world.published, state=state)
    assert (report.ok, report.problem) == (False, "fork: the first 11 entries are not those seen before")


async def test_the_signer_signs_no_shorter_and_no_other_tree(tmp_path):
    """Covers: AUDIT §5.7."""
    async with ledger_in(tmp_path) as world:
        await grown(world, 20)
        signer = world.ledger.publisher._signer
        with pytest.raises(Refused, match="21 to 20"):
            await signer.sign(20, bytes(32), [])
        with pytest.raises(Refused):
            await signer.sign(21, bytes(32), [])
        with pytest.raises(Refused):
            await signer.sign(22, bytes(32), [bytes(32)] * 3)
        assert verify(world.published).size == 21


async def test_yesterdays_entries_with_todays_signer_do_not_start(tmp_path):
    """Covers: AUDIT §6.4."""
    data = tmp_path / "data"
    async with ledger_in(data) as world:
        await grown(world, 20)
    kept = {path: path.read_bytes() for path in (data / "ledger").glob("*.db")}
    async with ledger_in(data) as world:
        await grown(world, 20, Producer(boot="b_2"))
    for path, content in kept.items():
        path.write_bytes(content)
    for path in (data / "ledger").glob("*.db-*"):
        path.unlink()
    with pytest.raises(InvalidConfiguration, match="entries are missing"):
        async with ledger_in(data):
            pass


async def test_entries_deleted_from_the_end_behind_the_frontiers_back_do_not_start(tmp_path):
    """Covers: AUDIT §5.1."""
    async with ledger_in(tmp_path) as world:
        await grown(world, 20)
        path = world.places.ledger / "ledger.db"
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM entries WHERE idx = 20")
    with pytest.raises(InvalidConfiguration, match="entries are missing"):
        async with ledger_in(tmp_path):
            pass


async def test_a_history_rewritten_below_the_signed_size_gets_no_signature(tmp_path):
    """Covers: AUDIT §4: rewrite everything."""
    data = tmp_path / "data"
    async with ledger_in(data) as world:
        await grown(world, 20)
    for path in [*(data / "ledger").glob("*.db*")]:
        path.unlink()
    for path in sorted((data / "ledger" / "public").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(InvalidConfiguration, match="entries are missing"):
        async with ledger_in(data):
            pass
    memory = (data / "signer" / "checkpoint").read_bytes()
    (data / "signer" / "checkpoint").unlink()
    async with ledger_in(data) as world:
        await grown(world, 30)
    (data / "signer" / "checkpoint").write_bytes(memory)
    with pytest.raises(Refused):
        async with ledger_in(data) as world:
            await world.publish()


async def test_missing_tiles_come_back_at_the_next_start(tmp_path):
    """Covers: AUDIT §5.1."""
    async with ledger_in(tmp_path) as world:
        await grown(world, 300)
        lost = [Tile(ENTRIES, 0), Tile(0, 1, 45), Tile(1, 0, 1)]
        kept = [world.published.tile(tile) for tile in lost]
        for tile in lost:
            (world.published.directory / tile.path).unlink()
        (world.published.directory / "checkpoint").unlink()
    async with ledger_in(tmp_path) as world:
        assert [world.published.tile(tile) for tile in lost] == kept
        assert verify(world.published).ok
