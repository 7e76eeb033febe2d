"""Somebody is forgotten: nothing that the record kept about them can be read again, and every proof still holds."""

import hashlib
import itertools
import shutil

import orjson
import pytest

from grantline.crypto.jcs import canonical
from grantline.ledger import sealing
from grantline.ledger.completeness import Counting
from grantline.ledger.entry import commitment, field_key
from grantline.ledger.erasure import Erasures, Order
from grantline.ledger.keys import PersonKeys
from grantline.ledger.root_keys import open_root_keys
from grantline.ledger.verify import verify
from grantline.model.errors import AuditUnavailable, NotFound
from grantline.model.events import EventType
from tests.ledger_world import Producer, about, decision, ledger_in, randomness

IP = "192.0.2.77"
ORDER = Order(person="p_ann", basis="art17", request="R-1")
ALL = Order(person="p_ann", basis="art17", request="R-1", evidence=True)


def keys_of(world):
    return PersonKeys(world.stores.keys, open_root_keys(world.places.root_key, randomness), randomness)


def told(person, consent):
    """A sign-in, a consent and a call of one person."""
    return (
        about(person, consent, kind=EventType.SIGN_IN, detail={"ip": IP}),
        about(person, consent, detail={"ip": IP}),
        decision(consent, f"ev_{consent}", subject=f"sub-{person}"),
    )


async def fill(world):
    await world.sequencer.append(Producer().says(*told("p_ann", "g_ann"), *told("p_bob", "g_bob")))
    await world.publish()


def readable(world):
    """Entry types whose details still open, in order."""
    keys = keys_of(world)
    opened = []
    for index, body in enumerate(world.stores.entries.bodies(0, 100)):
        rows = world.stores.entries.details(index, index + 1)
        event = sealing.restore(body, rows, keys) if rows else None
        opened += [] if event is None else [(str(event.type), event.person or event.subject)]
    return opened


async def test_what_was_about_the_person_is_gone_and_all_else_opens(tmp_path):
    """Covers: AUDIT §5.5 (bar 6)."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        assert len(readable(world)) == 6
        await world.ledger.eraser.erase(ALL)
        assert [who for _, who in readable(world) if who] == ["p_bob", "p_bob", "sub-p_bob"]
        assert len(world.stores.entries.details(1, 4)) == 0
        assert world.stores.projections.life(keys_of(world).consent("g_bob").consent_ref("g_bob"))


async def test_proof_of_a_consent_stays_unless_it_is_asked_for(tmp_path):
    """Covers: AUDIT §5.5 (two key classes)."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        await world.ledger.eraser.erase(ORDER)
        assert ("consent.given@1", "p_ann") in readable(world)
        assert ("identity.sign_in@1", "p_ann") not in readable(world)
        with pytest.raises(NotFound):
            await world.ledger.eraser.erase(ORDER)
        await world.ledger.eraser.erase(ALL)
        assert ("consent.given@1", "p_ann") not in readable(world)


async def test_the_tree_still_verifies_and_tells_of_the_erasure_without_a_name(tmp_path):
    """Covers: AUDIT §5.5 (bar 1)."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        before = verify(world.published, vkey=world.signer.vkey, state=tmp_path / "auditor")
        leaves = world.stores.entries.bodies(0, before.size)
        erasure = await world.ledger.eraser.erase(ORDER)
        await world.publish()
        after = verify(world.published, rows=world.stores.entries, vkey=world.signer.vkey, state=tmp_path / "auditor")
        assert (before.ok, after.ok, after.size) == (True, True, before.size + 1)
        assert world.stores.entries.bodies(0, before.size) == leaves
        leaf = orjson.loads(world.stores.entries.bodies(before.size, after.size)[0])
        assert (leaf["id"], leaf["type"], leaf["lb"], leaf["rsn"]) == (
            erasure.event, "privacy.erased@1", "art17", "operational",
        )  # fmt: skip
        assert "ps" not in leaf


async def test_no_key_is_left_in_any_file_and_none_that_is_left_opens_a_copy_of_the_details(tmp_path):
    """Covers: AUDIT §5.5 (bars 2 and 4)."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        keys = keys_of(world)
        rows = world.stores.entries.details(1, 4)
        body = world.stores.entries.bodies(1, 2)[0]
        gone = [world.stores.keys.get(key_id) for key_id in (*keys.of_person("p_ann"), *keys.of_evidence("p_ann"))]
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert any(gone[0].wrapped in path.read_bytes() for path in files)
        await world.ledger.eraser.erase(ALL)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        for path, key in itertools.product(files, gone):
            assert key.wrapped not in path.read_bytes(), path
        left = keys_of(world)
        for key_id in (*left.of_person("p_bob"), *left.of_evidence("p_bob")):
            with pytest.raises(ValueError, match="were changed"):
                sealing.unseal(rows[0]._replace(key_id=key_id), body, left)
        assert sealing.unseal(rows[0], body, left) is None


async def test_guessing_the_value_matches_no_digest(tmp_path):
    """Covers: AUDIT §5.5 (bar 3). Two to the twentieth guesses, the true one among them."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        (row, *_), body = world.stores.entries.details(1, 2), world.stores.entries.bodies(1, 2)[0]
        opened = sealing.unseal(row, body, keys_of(world))
        digests = set(orjson.loads(body)["sd"])
        assert commitment(field_key(opened.key, "ip"), "ip", IP) in digests
        await world.ledger.eraser.erase(ALL)
        prefix = canonical(["ip", ""])[:-2]
        raw = {each.encode() for each in digests}
        for guess in range(1 << 20):
            address = f"192.{guess >> 16 & 15}.{guess >> 8 & 255}.{guess & 255}"
            assert hashlib.sha256(prefix + address.encode() + b'"]').digest() not in raw
        left = world.stores.keys.of("person:p_bob")[0].wrapped
        assert commitment(field_key(left[:32], "ip"), "ip", IP) not in digests


async def test_a_backup_that_is_put_back_brings_nobody_back(tmp_path):
    """Covers: AUDIT §5.5 (bar 5)."""
    data = tmp_path / "data"
    async with ledger_in(data) as world:
        await fill(world)
    shutil.copytree(data / "ledger", tmp_path / "backup")
    async with ledger_in(data) as world:
        ref = keys_of(world).consent("g_ann").consent_ref("g_ann")
        assert world.stores.projections.life(ref)
        await world.ledger.eraser.erase(ALL)
    for name in ("keys.db", "projections.2.db"):
        shutil.copy(tmp_path / "backup" / name, data / "ledger" / name)
    async with ledger_in(data) as world:
        assert keys_of(world).of_person("p_ann") == ()
        assert world.stores.projections.life(ref) == ()
        assert [who for _, who in readable(world) if who == "p_ann"] == []


async def test_what_a_crash_left_undone_is_finished_at_the_next_start(tmp_path):
    """On the list and no further: the start destroys, clears and tells."""
    async with ledger_in(tmp_path) as world:
        await fill(world)
        done = await world.ledger.eraser.erase(Order(person="p_bob", basis="art17", request="R-0"))
        keys = keys_of(world).of_person("p_ann")
        begun = type(done)(event="0190-begun", at=done.at, keys=keys, evidence=False, basis="art17", request="R-1")
        Erasures(world.places.erasures).add(begun)
        with world.places.erasures.open("ab") as cut_short:
            cut_short.write(b'{"event":"never')
    async with ledger_in(tmp_path) as world:
        assert keys_of(world).of_person("p_ann") == ()
        assert world.stores.entries.find(["0190-begun"])
        assert world.stores.entries.uncleared(keys) == []
    async with ledger_in(tmp_path) as world:
        told = [orjson.loads(body)["type"] for body in world.stores.entries.bodies(0, 100)]
        assert told.count("privacy.erased@1") == 2


async def test_appends_go_on_while_somebody_is_forgotten(tmp_path):
    """A group that is committed in between finds its keys."""
    async with ledger_in(tmp_path) as world:
        producer = Producer()
        await world.sequencer.append(producer.says(*told("p_ann", "g_ann")))
        await world.ledger.eraser.erase(ALL)
        await world.sequencer.append(producer.says(*told("p_ann", "g_new")))
        assert [who for _, who in readable(world) if who == "p_ann"] == ["p_ann", "p_ann"]


async def test_an_erasure_that_could_not_be_told_holds_up_no_other(tmp_path, monkeypatch):
    """Its number was never taken: the next one must not stand behind a hole."""
    async with ledger_in(tmp_path) as world:
        await fill(world)

        async def full(_submission):
            raise AuditUnavailable("no room")

        monkeypatch.setattr(world.sequencer, "append", full)
        with pytest.raises(AuditUnavailable):
            await world.ledger.eraser.erase(ALL)
        monkeypatch.undo()
        done = await world.ledger.eraser.erase(Order(person="p_bob", basis="art17", request="R-0"))
        assert world.stores.entries.find([done.event])
        counting = Counting()
        for index, body in enumerate(world.stores.entries.bodies(0, 100)):
            counting.take(index, body)
        assert counting.account().complete
