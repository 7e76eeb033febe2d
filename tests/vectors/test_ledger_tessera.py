"""A log written by another implementation reads here, hash for hash."""

from pathlib import Path

import pytest

from grantline.crypto.merkle import leaf_hash, tree_root
from grantline.crypto.note import VerifierKey, open_checkpoint
from grantline.crypto.tiles import ENTRIES, Tile, hashes, unbundle

LOG = Path(__file__).parent / "tessera"
KEY = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")


@pytest.mark.parametrize("size", range(16))
def test_each_of_its_checkpoints_is_the_root_we_find(size):
    """Covers: C2SP tlog-tiles, tlog-checkpoint."""
    entries = unbundle((LOG / Tile(ENTRIES, 0, 15).path).read_bytes())
    leaves = [leaf_hash(entry) for entry in entries]
    assert leaves == hashes((LOG / Tile(0, 0, 15).path).read_bytes())
    checkpoint = open_checkpoint((LOG / f"checkpoint.{size}").read_text(), KEY)
    assert (checkpoint.size, checkpoint.root) == (size, tree_root(leaves[:size]))
