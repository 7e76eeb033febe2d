"""A new checkpoint key: both sign for a month, the log tells of it, a crash in between is made good."""

import orjson
import pytest

from grantline.crypto.merkle import EMPTY_ROOT
from grantline.crypto.note import InvalidNote, VerifierKey, note_lines, open_checkpoint
from grantline.ledger import signing_keys
from grantline.ledger.export import export
from grantline.ledger.published import Published
from grantline.ledger.rotation import RotateOrder
from grantline.ledger.signer import Request, Signer, SignerClient
from grantline.ledger.signing_keys import OVERLAP_S, KeyTerm
from grantline.ledger.verify import verify
from grantline.model.errors import AuditUnavailable, Conflict, InvalidRequest
from grantline.model.events import EventType
from tests.ledger_world import Producer, about, ledger_in

ORDER = RotateOrder(by="eve", reason="yearly")
LOG = "ledger.example/log"


class Time:
    """Seconds that a test moves."""

    def __init__(self):
        self.now = 1_700_000_000

    def __call__(self):
        return self.now


def signed(signer, size=0):
    return signer.answer(Request(size=size, root=EMPTY_ROOT)).note


def opens(note, vkey):
    try:
        return open_checkpoint(note, VerifierKey.parse(vkey)).origin == LOG
    except InvalidNote:
        return False


def test_two_keys_sign_for_a_month_and_then_the_older_one_is_destroyed(tmp_path):
    """Covers: AUDIT §5.7."""
    time = Time()
    signer = Signer(tmp_path, LOG, time)
    old, before = signer.vkey, signed(signer)
    seed = (tmp_path / "seed").read_bytes()
    reply = signer.answer(Request(rotate=True))
    new = reply.vkey
    assert new != old
    assert reply.keys == (
        KeyTerm(vkey=old, since=time.now, until=time.now + OVERLAP_S), KeyTerm(vkey=new, since=time.now),
    )  # fmt: skip
    for note in (reply.note, signed(signer)):
        assert opens(note, old)
        assert opens(note, new)
        assert len(note_lines(note)[1]) == 2
    assert "not a month ago" in signer.answer(Request(rotate=True)).refused
    time.now += OVERLAP_S
    after = signed(signer)
    assert (opens(after, old), opens(after, new), opens(before, old)) == (False, True, True)
    assert [path.name for path in tmp_path.glob("seed*")] == ["seed.2"]
    assert all(seed not in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert signer.answer(Request(rotate=True)).refused is None
    signer.close()


def test_a_key_in_other_hands_signs_nothing_more(tmp_path):
    time = Time()
    signer = Signer(tmp_path, LOG, time)
    signed(signer)
    old = signer.vkey
    reply = signer.answer(Request(rotate=True, at_once=True))
    assert (opens(reply.note, old), opens(reply.note, reply.vkey)) == (False, True)
    assert not (tmp_path / "seed").exists()
    again = signer.answer(Request(rotate=True, at_once=True))
    assert opens(again.note, again.vkey)
    assert [term.until for term in again.keys] == [time.now, time.now, None]
    signer.close()
    later = Signer(tmp_path, LOG, time)
    assert later.vkey == again.vkey
    later.close()


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("step", ["seed", "list", "note"])
def test_a_rotation_that_was_cut_short_leaves_a_signer_that_signs(tmp_path, monkeypatch, step, at_once):
    """After each of its writes: the next start has either the old key or the new one, and the memory it had."""
    time = Time()
    signer = Signer(tmp_path, LOG, time)
    signed(signer)
    old = signer.vkey

    def cut(*_given):
        raise OSError("cut short")

    place = {"seed": (signing_keys, "write_synced"), "list": (signing_keys.SigningKeys, "_settle")}
    if step == "note":
        monkeypatch.setattr(signer, "_sign", cut)
    else:
        monkeypatch.setattr(*place[step], cut)
    with pytest.raises(OSError, match="cut short"):
        signer.answer(Request(rotate=True, at_once=at_once))
    monkeypatch.undo()
    signer.close()
    again = Signer(tmp_path, LOG, time)
    assert (again.vkey == old) is (step == "seed" or (step == "list" and again.vkey == old))
    reply = again.answer(Request())
    assert opens(reply.note, reply.vkey)
    assert again.answer(Request(size=0, root=EMPTY_ROOT)).refused is None
    assert again.answer(Request(rotate=True, at_once=True)).refused is None
    again.close()


def told(world):
    bodies = world.stores.entries.bodies(0, 1_000)
    return [leaf for body in bodies if (leaf := orjson.loads(body))["type"] == EventType.KEY_ROTATED]


async def test_the_log_tells_of_its_new_key_and_verifies_with_either(tmp_path):
    """Covers: AUDIT §5.7."""
    async with ledger_in(tmp_path / "data") as world:
        await world.sequencer.append(Producer().says(about()))
        await world.publish()
        old = world.published.vkey()
        term = await world.ledger.rotation.rotate(ORDER)
        assert world.published.vkey().strip() == term.vkey
        assert orjson.loads(world.published.read("keys.json"))[1]["vkey"] == term.vkey
        (leaf,) = told(world)
        assert leaf["vkey"] == term.vkey
        await world.sequencer.append(Producer(boot="b_2").says(about()))
        await world.publish()
        export(world.published, tmp_path / "export")
        for vkey in (old, term.vkey):
            assert verify(Published(tmp_path / "export"), vkey=vkey.strip(), state=tmp_path / "seen.json").ok
        with pytest.raises(Conflict, match="not a month ago"):
            await world.ledger.rotation.rotate(ORDER)
    async with ledger_in(tmp_path / "data") as world:
        assert len(told(world)) == 1
        assert world.published.vkey().strip() == term.vkey


async def test_a_key_that_a_crash_left_untold_is_told_at_the_next_start(tmp_path, monkeypatch):
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(about()))

        async def cut(*_given, **_more):
            raise AuditUnavailable("cut short")

        monkeypatch.setattr(world.ledger.rotation._stream, "tell", cut)
        with pytest.raises(AuditUnavailable):
            await world.ledger.rotation.rotate(ORDER)
        monkeypatch.undo()
        vkey, _ = await SignerClient(world.places.signer_socket).last()
        await world.publish()  # What is published is signed by both, whoever knows of the new one.
    async with ledger_in(tmp_path) as world:
        assert [leaf["vkey"] for leaf in told(world)] == [vkey]
        assert world.published.vkey().strip() == vkey
        await world.publish()
        assert verify(world.published, rows=world.stores.entries).ok


@pytest.mark.parametrize("order", [RotateOrder(by="", reason="x"), RotateOrder(by="x", reason="y" * 501)])
async def test_a_rotation_says_who_and_why(tmp_path, order):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(InvalidRequest):
            await world.ledger.rotation.rotate(order)
