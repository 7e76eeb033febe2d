"""Published vectors of the tree and of signed notes, and our own golden log."""

import base64
import itertools

import pytest

from grantline.crypto.merkle import (
    EMPTY_ROOT,
    Frontier,
    InvalidProof,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_root,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from grantline.crypto.note import Checkpoint, InvalidNote, NoteSigner, VerifierKey, open_checkpoint, open_note
from grantline.crypto.tiles import ENTRIES, WIDTH, Tile, changed, tiles

RFC6962_INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
RFC6962_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
NOTE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
GOLDEN_KEY = "audit.example/log1+72c3d033+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"


def subtrees_of(leaves):
    return lambda level, index: tree_root(leaves[index << level : (index + 1) << level])


def golden_leaves(count):
    entries = (b'{"seq":%d,"event":"e-%d","pad":"%s"}' % (i, i, b"x" * (i % 97)) for i in range(count))
    return [leaf_hash(entry) for entry in entries]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_rfc_6962_come_out(size):
    """Covers: RFC 6962 §2.1."""
    leaves = [leaf_hash(data) for data in RFC6962_INPUTS[:size]]
    assert tree_root(leaves).hex() == RFC6962_ROOTS[size - 1]
    assert range_root(0, size, subtrees_of(leaves)).hex() == RFC6962_ROOTS[size - 1]


def test_the_golden_log_comes_out():
    leaves = golden_leaves(300)
    assert leaves[0].hex() == "6f769865848a0815bb89088804450d1f5bcfb8ebbd481954b59c5ac1b0d6f400"
    roots = {
        0: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        1: "b3aYZYSKCBW7iQiIBEUNH1vPuOu9SBlUtZxawbDW9AA=",
        3: "vrkn2FmHfvo4o6xEPGlYo8h7LuLN3F2HG2frqdhQur4=",
        300: "zrMPlwz0LcWiWPDcgYVWpR8f0bbucRXlWGKQFRd2ZXo=",
    }
    for size, root in roots.items():
        assert base64.b64encode(tree_root(leaves[:size])).decode() == root
    proof = inclusion_proof(1, 3, subtrees_of(leaves))
    assert [base64.b64encode(each).decode() for each in proof] == [
        "b3aYZYSKCBW7iQiIBEUNH1vPuOu9SBlUtZxawbDW9AA=",
        "cgLRk3YpJINeDaR183O6yubN8/lhuvERsrSrM8YiBbo=",
    ]


def test_a_checkpoint_of_the_golden_log_is_signed_byte_for_byte():
    signer = NoteSigner("audit.example/log1", b"\x01" * 32)
    assert str(signer.verifier) == GOLDEN_KEY
    note = signer.sign(Checkpoint("audit.example/log1", 3, tree_root(golden_leaves(3))).body())
    signature = "csPQM9PeJ5oyEkk7lyxxJagsRQpaqmSzf/VrLb2Knr1vcWog7OTOR43tjbGtywniUoG9sTbCUj2MvhHm81wNixNo8g0="
    assert note.endswith(f"\n\n— audit.example/log1 {signature}\n")
    assert open_checkpoint(note, VerifierKey.parse(GOLDEN_KEY)).size == 3


def test_the_published_note_opens_and_no_changed_one_does():
    """Covers: C2SP signed-note."""
    key = VerifierKey.parse(NOTE_KEY)
    assert str(key) == NOTE_KEY
    assert open_note(NOTE, [key]) == "This is an example message.\n"
    for at in range(len(NOTE)):
        changed_note = NOTE[:at] + chr(ord(NOTE[at]) ^ 1) + NOTE[at + 1 :]
        with pytest.raises(InvalidNote):
            open_note(changed_note, [key])


def test_signatures_by_strangers_are_ignored_but_do_not_count():
    key, other = VerifierKey.parse(NOTE_KEY), NoteSigner("other.example/x", b"\x02" * 32)
    stranger = other.sign("This is an example message.\n").split("\n\n")[1]
    assert open_note(NOTE + stranger, [key]) == "This is an example message.\n"
    with pytest.raises(InvalidNote, match="no signature"):
        open_note(NOTE, [other.verifier])


@pytest.mark.parametrize("point", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_of_small_order_is_refused(point, sign):
    weak = VerifierKey("weak.example/log", (point | sign << 255).to_bytes(32, "little"))
    with pytest.raises(InvalidNote, match="small order"):
        VerifierKey.parse(str(weak))


@pytest.mark.parametrize(
    "body",
    ["a\n01\n" + "A" * 43 + "=\n", "a\n+1\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n", "\n1\n" + "A" * 43 + "=\n", "a\n1\n"],
)
def test_a_loose_checkpoint_body_is_refused(body):
    with pytest.raises(InvalidNote):
        Checkpoint.parse(body)


def test_every_proof_to_size_70_verifies_and_no_damaged_one_does():
    """Covers: RFC 9162 §2.1.3.2 and §2.1.4.2."""
    leaves = golden_leaves(70)
    roots = [tree_root(leaves[:size]) for size in range(71)]
    subtree = subtrees_of(leaves)
    for size in range(1, 71):
        for index in range(size):
            proof = inclusion_proof(index, size, subtree)
            verify_inclusion(index, size, leaves[index], proof, roots[size])
            for bad in damaged(proof):
                with pytest.raises(InvalidProof):
                    verify_inclusion(index, size, leaves[index], bad, roots[size])
        for old in range(size + 1):
            proof = consistency_proof(old, size, subtree)
            verify_consistency(old, roots[old], size, roots[size], proof)
            for bad in damaged(proof):
                with pytest.raises(InvalidProof):
                    verify_consistency(old, roots[old], size, roots[size], bad)


def test_an_inner_node_does_not_pass_for_a_leaf():
    """Covers: AUDIT §4 proof padding. The hashes lead to the root; only the length of the proof tells."""
    leaves = golden_leaves(4)
    left, right = tree_root(leaves[:2]), tree_root(leaves[2:])
    with pytest.raises(InvalidProof, match="too short"):
        verify_inclusion(0, 4, left, [right], tree_root(leaves))
    with pytest.raises(InvalidProof, match="too short"):
        verify_consistency(2, left, 8, tree_root(leaves), [right])


def damaged(proof):
    yield [*proof, EMPTY_ROOT]
    if proof:
        yield proof[:-1]
        yield [bytes(32), *proof[1:]]


def test_a_frontier_survives_being_written_down():
    frontier = Frontier()
    for size, leaf in enumerate(golden_leaves(40)):
        frontier = Frontier.from_bytes(size, frontier.to_bytes())
        frontier.append(leaf)
    assert frontier.root() == tree_root(golden_leaves(40))
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(39, frontier.to_bytes())


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(ENTRIES, 0, 5), "tile/entries/000.p/5"),
        (Tile(1, 1000), "tile/1/x001/000"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    """Covers: C2SP tlog-tiles."""
    assert tile.path == path


def test_a_tree_of_70000_has_the_tiles_of_the_specification():
    """Covers: C2SP tlog-tiles, its own example."""
    found = [tile for tile in tiles(70_000) if tile.level != ENTRIES]
    assert sum(tile.level == 0 and tile.width == WIDTH for tile in found) == 273
    assert [tile for tile in found if tile.width < WIDTH] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [tile.path for tile in tiles(256) if tile.level >= 0] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles(0)) == []


def test_growth_in_steps_makes_the_tiles_of_the_whole():
    for sizes in itertools.combinations((1, 255, 256, 257, 511, 65_535, 65_536, 65_537), 2):
        last = {(each.level, each.n): each for step in ((0, sizes[0]), sizes) for each in changed(*step)}
        assert set(last.values()) == set(tiles(sizes[1]))
