"""The attacks of AUDIT §4 that files can show, each against the verifier and against one that lacks a single check.

The weakened verifier accepts, so what refuses is that check, and not something beside it.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grantline.crypto.merkle import inclusion_proof, leaf_hash, tree_root
from grantline.crypto.note import Checkpoint, NoteSigner
from grantline.crypto.tiles import bundle
from tests.conformance.verifier.a_log import LOG, ORIGIN, W1, W2, entries, note, program, write

SIZE = 700


@dataclass
class Case:
    """A log in `log` and how it is to be read."""

    folder: Path

    def __post_init__(self) -> None:
        self.vkey = self.folder / "log.vkey"
        self.vkey.write_text(str(LOG.verifier))
        self.found = entries(SIZE)
        self.log = write(self.folder / "log", self.found)
        self.more: list[Any] = []

    @property
    def state(self) -> Path:
        return self.folder / "seen.json"

    def saw(self) -> None:
        """The log as it stands now was verified with a memory."""
        self.more = ["--state", self.state]
        assert self.run(program()) == 0

    def run(self, module: Any) -> int:
        return module.main([str(one) for one in ("log", self.log, "--vkey", self.vkey, *self.more)])

    def rewrite(self, name: str, change: Callable[[bytes], bytes]) -> None:
        path = self.log / name
        path.write_bytes(change(path.read_bytes()))

    def note(self, change: Callable[[str], str]) -> None:
        self.rewrite("checkpoint", lambda data: change(data.decode()).encode())


def flip(data: bytes, at: int = 10) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


# What the attacker does


def edit_an_entry(case: Case) -> None:
    case.rewrite("tile/entries/000", flip)


def edit_an_entry_and_all_tiles(case: Case) -> None:
    text = (case.log / "checkpoint").read_text()
    write(case.log, [b'{"id":"forged"}', *case.found[1:]], text)


def lie_in_a_tile_of_hashes(case: Case) -> None:
    case.rewrite("tile/0/001", flip)


def lie_in_an_upper_tile(case: Case) -> None:
    case.rewrite("tile/1/000.p/2", flip)


def lie_in_a_partial_tile(case: Case) -> None:
    case.rewrite("tile/0/002.p/188", flip)


def take_an_entry_out(case: Case) -> None:
    text = (case.log / "checkpoint").read_text()
    write(case.log, [*case.found[:9], *case.found[10:], b"{}"], text)


def swap_two_entries(case: Case) -> None:
    text = (case.log / "checkpoint").read_text()
    write(case.log, [case.found[1], case.found[0], *case.found[2:]], text)


def hide_more_behind_a_full_bundle(case: Case) -> None:
    case.rewrite("tile/entries/000", lambda data: data + bundle([b"hidden"]))


def cut_a_bundle(case: Case) -> None:
    case.rewrite("tile/entries/001", lambda data: data[:-3])


def put_yesterdays_log_back(case: Case) -> None:
    case.saw()
    case.log = write(case.folder / "restored", case.found[:600])


def fork_and_sign_again(case: Case) -> None:
    case.saw()
    case.log = write(case.folder / "fork", [*case.found[:-1], b'{"id":"other"}'])


def fork_and_grow(case: Case) -> None:
    case.saw()
    case.log = write(case.folder / "fork", [b'{"id":"other"}', *entries(SIZE + 100)[1:]])


def rewrite_everything_after_a_receipt(case: Case) -> None:
    (case.folder / "receipt-note").write_text(note(case.found[:650]))
    case.more = ["--seen", case.folder / "receipt-note"]
    case.log = write(case.folder / "fork", entries(SIZE, rewritten=True))


def fork_that_no_witness_saw(case: Case) -> None:
    ask_for_both_witnesses(case)
    case.log = write(case.folder / "fork", entries(SIZE, rewritten=True))


def cosignatures_of_another_checkpoint(case: Case) -> None:
    ask_for_both_witnesses(case)
    lines = (case.log / "checkpoint").read_text().splitlines(keepends=True)[-2:]
    forged = entries(SIZE, rewritten=True)
    case.log = write(case.folder / "fork", forged, note(forged) + "".join(lines))


def freeze(case: Case) -> None:
    ask_for_both_witnesses(case, int(time.time()) - 7_200)
    case.more += ["--max-age", "3600"]


def freeze_with_one_witness_of_two(case: Case) -> None:
    """The quorum is as old as its oldest member that is needed."""
    ask_for_both_witnesses(case, int(time.time()) - 7_200)
    case.note(lambda text: "".join(text.splitlines(keepends=True)[:-1]))
    case.note(lambda text: W2.cosign(text, int(time.time())))
    case.more += ["--max-age", "3600"]


def freeze_with_clocks_that_run_ahead(case: Case) -> None:
    ask_for_both_witnesses(case, int(time.time()) + 10**9)
    case.more += ["--max-age", "3600"]


def ask_for_both_witnesses(case: Case, moment: int = 1_800_000_000) -> None:
    policy = case.folder / "policy"
    policy.write_text(f"witness a {W1.vkey}\nwitness b {W2.vkey}\ngroup g all a b\nquorum g\n")
    case.more = ["--policy", policy]
    case.note(lambda text: W2.cosign(W1.cosign(text, moment), moment))


def sign_with_another_key(case: Case) -> None:
    (case.log / "checkpoint").write_text(note(case.found, NoteSigner(ORIGIN, b"\x09" * 32)))


def sign_with_another_key_under_the_same_id(case: Case) -> None:
    other = note(case.found, NoteSigner(ORIGIN, b"\x09" * 32))
    body, _, line = other.rpartition("\n— ")
    name, _, blob = line.strip().partition(" ")
    forged = base64.b64encode(LOG.verifier.key_id + base64.b64decode(blob)[4:]).decode()
    (case.log / "checkpoint").write_text(f"{body}\n— {name} {forged}\n")


def show_another_log(case: Case) -> None:
    (case.log / "checkpoint").write_text(note(case.found, origin="audit.example/log2"))


def edit_the_checkpoint(case: Case) -> None:
    body, root, rest = (case.log / "checkpoint").read_text().split("\n", 3)[:2], b"\x07" * 32, "\n\n"
    case.note(lambda text: "\n".join([*body, base64.b64encode(root).decode()]) + rest + text.partition(rest)[2])


def grow_the_scalar_of_the_signature(case: Case) -> None:
    """S + L is the same scalar, and another signature: RFC 8032 §5.1.7 refuses it."""
    body, _, line = (case.log / "checkpoint").read_text().rpartition(" ")
    blob = base64.b64decode(line.strip())
    scalar = int.from_bytes(blob[36:], "little") + 2**252 + 27742317777372353535851937790883648493
    case.note(lambda _: f"{body} {base64.b64encode(blob[:36] + scalar.to_bytes(32, 'little')).decode()}\n")


def turn_time_back(case: Case) -> None:
    late = json.dumps({"id": "late", "tc": 1}).encode()
    case.log = write(case.folder / "back", [*case.found, late])


# The check that finds it, and how a verifier would be without


def no_tiles(module: Any) -> None:
    module.Tree._require = lambda *_: None


def no_root(module: Any) -> None:
    no_tiles(module)
    module.Tree.root = lambda self: (
        module.parse((Path(self.source.place) / "checkpoint").read_text(), LOG.verifier).root
    )


def no_memory(module: Any) -> None:
    module._remembered = lambda *_: []


def no_fork(module: Any) -> None:
    module._require_unforked = lambda *_: None


def no_quorum(module: Any) -> None:
    module.Policy.met = lambda *_: True


def no_clock(module: Any) -> None:
    then = time.time() - 7_200
    module.time.time = lambda: then


def no_ages(module: Any) -> None:
    made = module.Asked.open
    module.Asked.open = lambda self, text: made(self._replace(max_age=None), text)


def no_signatures(module: Any) -> None:
    module.signed = lambda *_: True


def ids_of_names_only(module: Any) -> None:
    no_signatures(module)
    made = module.signatures
    module.signatures = lambda text: (made(text)[0], [(ORIGIN, LOG.verifier.key_id + made(text)[1][0][1][4:])])


def any_origin(module: Any) -> None:
    made = module.parse
    module.parse = lambda body, log: made(body, log._replace(name=body.split("\n")[0]))


def any_scalar(module: Any) -> None:
    made = module.signed

    def lax(key: bytes, message: bytes, signature: bytes) -> bool:
        scalar = int.from_bytes(signature[32:], "little") % module.ORDER
        return made(key, message, signature[:32] + scalar.to_bytes(32, "little"))

    module.signed = lax


def no_times(module: Any) -> None:
    module._require_time = lambda *_: 0


def lax_bundles(module: Any) -> None:
    source = module.Source

    def lax(self: Any, number: int, width: int) -> Any:
        data, at = self.tile("entries", number, width, 1 << 30), 0
        for _ in range(width):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : end]
            at = end

    source.entries = lax


def no_times_nor_root(module: Any) -> None:
    no_times(module)
    no_root(module)


def no_signatures_nor_root(module: Any) -> None:
    no_signatures(module)
    no_root(module)


def lax_and_rootless(module: Any) -> None:
    lax_bundles(module)
    no_root(module)


ATTACKS: list[tuple[Callable[[Case], None], str, Callable[[Any], None]]] = [
    (edit_an_entry, "does not fit the entries; the first in doubt is 0", no_root),
    (edit_an_entry_and_all_tiles, "do not lead to the signed root", no_root),
    (lie_in_a_tile_of_hashes, "tile/0/1: does not fit the entries; the first in doubt is 256", no_tiles),
    (lie_in_an_upper_tile, "tile/1/0: does not fit the entries; the first in doubt is 0", no_tiles),
    (lie_in_a_partial_tile, "tile/0/2: does not fit the entries; the first in doubt is 512", no_tiles),
    (take_an_entry_out, "do not lead to the signed root", no_root),
    (swap_two_entries, "its commit time is before", no_times_nor_root),
    (hide_more_behind_a_full_bundle, "there is more in it than 256 entries", lax_bundles),
    (cut_a_bundle, "cut short", lax_and_rootless),
    (put_yesterdays_log_back, "rollback: 700 entries were seen before, now there are 600", no_memory),
    (fork_and_sign_again, "fork: the first 700 entries are not those", no_fork),
    (fork_and_grow, "fork: the first 700 entries are not those", no_fork),
    (rewrite_everything_after_a_receipt, "fork: the first 650 entries are not those", no_fork),
    (fork_that_no_witness_saw, "not its quorum", no_quorum),
    (cosignatures_of_another_checkpoint, "the signature of witness.example/w1 does not match", no_signatures),
    (freeze, "stale", no_clock),
    (freeze_with_one_witness_of_two, "stale", no_ages),
    (freeze_with_clocks_that_run_ahead, "stale", no_ages),
    (sign_with_another_key, "not signed by audit.example/log1", ids_of_names_only),
    (sign_with_another_key_under_the_same_id, "the signature of audit.example/log1 does not match", no_signatures),
    (show_another_log, "of audit.example/log2, but the key is of audit.example/log1", any_origin),
    (edit_the_checkpoint, "the signature of audit.example/log1 does not match", no_signatures_nor_root),
    (grow_the_scalar_of_the_signature, "the signature of audit.example/log1 does not match", any_scalar),
    (turn_time_back, "entry 700: its commit time is before", no_times),
]  # fmt: skip


@pytest.mark.parametrize(("attack", "found", "weaken"), ATTACKS, ids=[one[0].__name__ for one in ATTACKS])
def test_an_attack_is_refused_by_the_check_that_is_there_for_it(tmp_path, capsys, monkeypatch, attack, found, weaken):
    """Covers: AUDIT §4, AUDIT §6.7."""
    monkeypatch.setattr(time, "time", time.time)  # one attack's verifier has a clock that stands; it is put back
    case = Case(tmp_path)
    attack(case)
    kept = case.state.read_text() if case.state.exists() else None
    assert case.run(program()) == 1
    assert found in capsys.readouterr().err
    assert (case.state.read_text() if case.state.exists() else None) == kept
    weakened = program()
    weaken(weakened)
    assert case.run(weakened) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    "line", ["— someone.else AAAAAAAA", f"— {ORIGIN} {base64.b64encode(b'other-id-signature').decode()}"]
)
def test_lines_of_unknown_keys_say_nothing(tmp_path, line):
    case = Case(tmp_path)
    case.note(lambda text: f"{text}{line}\n")
    assert case.run(program()) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n700\n", "\n0700\n"),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("— ", "- "),
        lambda text: text + "\n",
        lambda text: text[:-1],
        lambda text: text.replace("audit", "au\x07dit", 1),
        lambda text: text + "— x y\n",
        lambda text: text + "— a AAAAAAAA\n" * 64,
        lambda text: "x" * 70_000 + text,
        lambda _text: "",
    ],
)
def test_a_note_that_is_not_well_formed_is_refused(tmp_path, change):
    case = Case(tmp_path)
    case.note(change)
    assert case.run(program()) == 1


@pytest.mark.parametrize(
    "public",
    [
        bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 30 + b"\x7f",
        b"\xee" + b"\xff" * 30 + b"\x7f", b"\x01" + bytes(30) + b"\x80", b"\x02" + bytes(31),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ],
)  # fmt: skip
def test_keys_that_prove_nothing_are_refused(tmp_path, capsys, public):
    """Points of small order, values beyond the field, bytes that are no point."""
    data = b"\x01" + public
    identifier = hashlib.sha256(ORIGIN.encode() + b"\n" + data).digest()[:4].hex()
    case = Case(tmp_path)
    case.vkey.write_text(f"{ORIGIN}+{identifier}+{base64.b64encode(data).decode()}")
    assert case.run(program()) == 1
    assert "proves nothing" in capsys.readouterr().err


def test_a_key_whose_id_is_not_its_own_is_refused(tmp_path, capsys):
    case = Case(tmp_path)
    name, _, rest = str(LOG.verifier).partition("+")
    case.vkey.write_text(f"{name}+00000000+{rest.partition('+')[2]}")
    assert case.run(program()) == 1
    assert "does not belong" in capsys.readouterr().err


def test_a_promised_size_beyond_all_files_is_missing_data_and_not_endless_work(tmp_path):
    case = Case(tmp_path)
    case.note(lambda _: LOG.sign(Checkpoint(ORIGIN, 10**18, bytes(32)).body()))
    assert case.run(program()) == 3


def test_what_a_log_says_cannot_act_on_the_terminal(tmp_path, capsys):
    case = Case(tmp_path)
    evil = "audit.example/\u202egol\x9b31m"
    (case.log / "checkpoint").write_text(note(case.found, origin=evil))
    assert case.run(program()) == 1
    said = capsys.readouterr().err
    assert "\\u202egol\\u009b31m" in said
    assert "\u202e" not in said


# One proof


@dataclass
class OneProof:
    folder: Path

    def __post_init__(self) -> None:
        case = Case(self.folder)
        self.vkey, self.entry, self.proof = case.vkey, self.folder / "entry", self.folder / "p.tlog-proof"
        hashes = [leaf_hash(one) for one in case.found]

        def subtree(level: int, index: int) -> bytes:
            return tree_root(hashes[index << level : (index + 1) << level])

        path = inclusion_proof(300, SIZE, subtree)
        lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in path)
        self.entry.write_bytes(case.found[300])
        self.proof.write_text(f"c2sp.org/tlog-proof@v1\nindex 300\n{lines}\n{note(case.found)}")

    def run(self, *more: Any) -> int:
        return program().main(
            [str(one) for one in ("proof", self.proof, "--entry", self.entry, "--vkey", self.vkey, *more)]
        )


def test_a_sound_proof(tmp_path, capsys):
    assert OneProof(tmp_path).run() == 0
    assert capsys.readouterr().out == "verified: entry 300 of 700 in audit.example/log1\n"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text.replace("index 300", "index 301"), "does not lead"),
        (lambda text: text.replace("index 300", "index 700"), "no entry 700"),
        (lambda text: text.replace("index 300", "index -1"), "names no index"),
        (lambda text: text.replace("index 300\n", f"index 300\n{base64.b64encode(bytes(32)).decode()}\n"), "too long"),
        (lambda text: "\n".join(text.split("\n")[:2] + text.split("\n")[3:]), "too short"),
        (lambda text: text.replace("@v1", "@v2"), "not a tlog-proof"),
        (lambda text: text.replace("\n\n", "\n"), "not a tlog-proof"),
        (lambda text: text.replace("\n700\n", "\n701\n"), "does not match"),
        (lambda _text: "", "not a tlog-proof"),
    ],
)
def test_a_forged_proof(tmp_path, capsys, change, found):
    """Covers: AUDIT §4."""
    one = OneProof(tmp_path)
    one.proof.write_text(change(one.proof.read_text()))
    assert one.run() == 1
    assert found in capsys.readouterr().err


def test_another_entry_under_a_sound_proof(tmp_path, capsys):
    one = OneProof(tmp_path)
    one.entry.write_bytes(flip(one.entry.read_bytes()))
    assert one.run() == 1
    assert "does not lead" in capsys.readouterr().err
