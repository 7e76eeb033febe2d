"""The saved table: whole or not at all, and never a position without its table."""

from pathlib import Path

import pytest

from grantline.gateway.cutoffs import Cutoffs, Gap
from grantline.gateway.table_file import TableFile
from grantline.model.feed import Entry, Kind, Marks, Position
from tests.feed_world import claims


def table() -> Cutoffs:
    made = Cutoffs()
    made.start_from(Position(1, 4), bytes(32), Marks("p", ""))
    made.apply(1, [Entry(seq=5, kind=Kind.GRANT, id="g", cause="grant_withdrawn", until=10, min_epoch=2)])
    return made


def test_a_saved_table_comes_back_as_it_was(tmp_path: Path) -> None:
    """Covers: feed C12."""
    file = TableFile(tmp_path / "feed.json")
    assert file.load() is None
    saved = table().saved()
    assert saved is not None
    file.save(saved)
    again = Cutoffs.restored(file.load())
    assert (again.position, again.digest, len(again)) == (Position(1, 5), table().digest, 1)
    assert again.refuses(claims()) == table().refuses(claims())
    assert [path.name for path in tmp_path.iterdir()] == ["feed.json"]


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_a_table_with_one_wrong_byte_is_no_table(tmp_path: Path, where: float) -> None:
    """Covers: feed C12."""
    path = tmp_path / "feed.json"
    saved = table().saved()
    assert saved is not None
    TableFile(path).save(saved)
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)
    assert TableFile(path).load() is None
    path.write_bytes(bytes(data[: len(data) // 2]))
    assert TableFile(path).load() is None


@pytest.mark.parametrize("seqs", [(7,), (6, 8), (8,)])
def test_a_missing_entry_leaves_the_table_as_it_was(seqs: tuple[int, ...]) -> None:
    """Covers: feed S5, feed C10."""
    made = table()
    before = made.saved()
    entries = [Entry(seq=seq, kind=Kind.GRANT, id=f"g{seq}", cause="x", until=10, min_epoch=2) for seq in seqs]
    with pytest.raises(Gap):
        made.apply(1, entries)
    with pytest.raises(Gap):
        made.apply(2, [])
    assert made.saved() == before


def test_two_entries_of_one_grant_refuse_whatever_either_did() -> None:
    """Covers: I4."""
    made = table()
    made.apply(1, [Entry(seq=6, kind=Kind.GRANT, id="g", cause="grant_superseded", until=5, min_epoch=1)])
    kept = made.saved()
    assert kept is not None
    assert (kept.entries[0].min_epoch, kept.entries[0].until) == (2, 10)
    assert made.refuses(claims(epoch=1))
    assert made.refuses(claims(epoch=2)) is None


def test_a_clock_that_steps_back_beyond_the_leeway_means_to_start_over() -> None:
    """Covers: feed C13."""
    made = table()
    made.prune(70)
    assert len(made) == 1
    made.prune(71)
    assert len(made) == 0
    assert not made.stepped_back(11)
    assert made.stepped_back(10)
