"""Any way of growing a log gives the tree of its entries, and every pair of sizes and every index can be proved."""

import functools

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from grantline.crypto.jcs import canonical
from grantline.crypto.merkle import (
    Frontier,
    InvalidProof,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from grantline.crypto.note import InvalidNote, NoteSigner, open_note
from grantline.crypto.tiles import ENTRIES, WIDTH, Tile, bundle, changed, hashes, subtrees, tile_root, unbundle
from grantline.ledger.placing import Gap, place
from grantline.model.errors import Conflict
from grantline.model.events import Sequenced, Submission
from tests.ledger_world import event

LEAVES = [leaf_hash(b"%d" % at) for at in range(700)]
SIGNER = NoteSigner("log.example/x", b"\x03" * 32)
EVENTS = [event() for _ in range(12)]


@functools.cache
def root(size):
    return tree_root(LEAVES[:size])


def stored(steps):
    """Tiles as a publisher writes them when the log grows in these steps."""
    files = {}
    for old, new in zip([0, *steps], steps, strict=False):
        for tile in changed(old, new):
            start, end = tile.n * WIDTH, tile.n * WIDTH + tile.width
            if tile.level == 0:
                files[tile.path] = b"".join(LEAVES[start:end])
            elif tile.level > 0:
                below = (files[Tile(tile.level - 1, n).path] for n in range(start, end))
                files[tile.path] = b"".join(tile_root(hashes(data)) for data in below)
    return files


@given(st.sets(st.integers(1, 700), min_size=1, max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_proofs_read_from_tiles_hold_for_any_growth(sizes, data):
    """Covers: AUDIT §6.6."""
    steps = sorted(sizes)
    files, size = stored(steps), steps[-1]
    subtree = subtrees(size, lambda tile: files[tile.path])
    index = data.draw(st.integers(0, size - 1))
    verify_inclusion(index, size, LEAVES[index], inclusion_proof(index, size, subtree), root(size))
    old = data.draw(st.integers(0, size))
    verify_consistency(old, root(old), size, root(size), consistency_proof(old, size, subtree))


@given(st.integers(1, 300), st.integers(0, 299), st.integers(0, 299), st.integers(1, 300))
@settings(max_examples=150, deadline=None)
def test_a_proof_holds_for_its_own_leaf_place_and_size_alone(size, index, other, claimed):
    index, other = index % size, other % size
    proof = inclusion_proof(index, size, lambda level, at: tree_root(LEAVES[at << level : (at + 1) << level]))
    try:
        verify_inclusion(other, size, LEAVES[index], proof, root(size))
        assert other == index
    except InvalidProof:
        assert other != index
    try:
        verify_inclusion(index, claimed, LEAVES[index], proof, root(size))
        # A shape that two sizes share proves the same path; the size itself is bound by the checkpoint's signature.
        assert claimed == size or len(proof) == len(inclusion_proof(index, claimed, lambda *_: b""))
    except InvalidProof:
        assert claimed != size


@given(st.lists(st.integers(0, 60), max_size=8))
def test_a_frontier_is_the_tree_however_it_was_reached(groups):
    frontier = Frontier()
    for group in groups:
        frontier = frontier.copy()
        for _ in range(group):
            frontier.append(LEAVES[frontier.size])
        frontier = Frontier.from_bytes(frontier.size, frontier.to_bytes())
    assert frontier.root() == root(sum(groups))


@given(st.lists(st.binary(max_size=400), max_size=WIDTH))
def test_a_bundle_gives_back_its_entries(entries):
    assert unbundle(bundle(entries)) == entries
    assert Tile(ENTRIES, 0).path == "tile/entries/000"


@given(st.text(max_size=200))
def test_no_text_but_a_signed_one_opens(text):
    try:
        assert open_note(SIGNER.sign(text), [SIGNER.verifier]) == text
    except InvalidNote:
        # Bodies end in a line feed, hold no other control character, and may not look like a signature block.
        assert not text.endswith("\n") or any(ord(letter) < 0x20 and letter != "\n" for letter in text)
    try:
        open_note(text, [SIGNER.verifier])
    except InvalidNote:
        return
    raise AssertionError("an unsigned text was opened")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef_", max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_canonical_form_survives_being_read_and_written(value):
    assert canonical(orjson.loads(canonical(value))) == canonical(value)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.integers(0, 11)), max_size=30))
def test_whatever_producers_send_streams_stay_gap_free_and_events_single(sent):
    """Covers: AUDIT §5.3."""
    cursors, known, taken = {}, {}, []
    for boot, seq, which in sent:
        said = Sequenced(boot=boot, seq=seq, event=EVENTS[which])
        try:
            placement = place(Submission(producer="p", events=(said,)), cursors, known, len(taken))
        except Gap:
            assert seq > cursors.get(("p", boot), 0) + 1
            continue
        except Conflict:
            assert seq <= cursors[("p", boot)]
            continue
        known.update({each.event.event_id: len(taken) for each in placement.taken})
        taken += placement.taken
        cursors.update(placement.cursors)
        assert cursors[("p", boot)] >= seq
    assert len({each.event.event_id for each in taken}) == len(taken)
    for boot in "ab":
        numbers = [each.said.seq for each in taken if each.said.boot == boot]
        assert numbers == sorted(set(numbers))
