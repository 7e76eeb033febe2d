"""The leaf tells nothing about a person, and still binds everything that was said about them."""

import json

import orjson
import pytest

from grantline.crypto.merkle import InvalidProof
from grantline.crypto.note import InvalidNote
from grantline.ledger.entry import MAX_ENTRY, SLOTS
from grantline.ledger.keys import PersonKeys
from grantline.ledger.prove import check_disclosure, check_proof, prove
from grantline.ledger.root_keys import open_root_keys
from grantline.ledger.sealing import restore, unseal
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from tests.ledger_world import Producer, SteadyClock, about, decision, event, ledger_in, randomness

PRIVATE = ("p_ann", "p_clerk", "sub-p_ann", "g_secret", "192.0.2.7", "acc-1", "Firefox")


def keys_of(world):
    return PersonKeys(world.stores.keys, open_root_keys(world.places.root_key, randomness), randomness)


def told():
    detail = {"ip": "192.0.2.7", "user_agent": "Firefox", "resources": ["acc-1"], "now": 1_700_000_000}
    return about(consent="g_secret", actor="p_clerk", detail=detail)


async def test_no_byte_of_the_public_log_names_a_person_subject_or_consent(tmp_path):
    """Covers: AUDIT §5.4."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(told(), decision("g_secret", "ev_1")))
        await world.publish()
        files = [path for path in world.places.public.rglob("*") if path.is_file()]
        assert len(files) == 5
        assert b"consent.given@1" in b"".join(path.read_bytes() for path in files)
        stores = [path for path in world.places.ledger.iterdir() if path.name.startswith("ledger.db")]
        for path in files + stores:
            for name in PRIVATE:
                assert name.encode() not in path.read_bytes(), (path, name)


async def test_every_leaf_shows_the_same_number_of_digests(tmp_path):
    """Covers: AUDIT §5.5."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(told(), event(), about(), decision("g_secret", "ev_1")))
        for body in world.stores.entries.bodies(0, 10):
            digests = orjson.loads(body)["sd"]
            assert len(set(digests)) == SLOTS
            assert digests == sorted(digests)
            assert body == json.dumps(orjson.loads(body), separators=(",", ":"), sort_keys=True).encode()


async def test_pseudonyms_hold_for_a_month_and_no_longer(tmp_path):
    clock = SteadyClock()
    async with ledger_in(tmp_path, clock=clock) as world:
        producer = Producer()
        for month in range(2):
            clock.now_us += month * 31 * 86_400_000_000
            await world.sequencer.append(producer.says(about(), about(), about("p_bob", "g_bob")))
        leaves = [orjson.loads(body) for body in world.stores.entries.bodies(1, 7)]
        names = [(leaf["ps"], leaf["cns"]) for leaf in leaves]
        assert names[0] == names[1] != names[2]
        assert names[3] == names[4] != names[0]
        assert len({part for pair in names for part in pair}) == 8


async def test_a_gateways_event_and_the_persons_own_share_one_name(tmp_path):
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(about(consent="g_one")))
        await world.sequencer.append(Producer("gw1").says(decision("g_one", "ev_1")))
        given, decided = (orjson.loads(body) for body in world.stores.entries.bodies(1, 3))
        assert (given["ps"], given["cns"]) == (decided["ps"], decided["cns"])


async def test_a_decision_that_comes_before_its_consent_is_tied_to_the_person_later(tmp_path):
    async with ledger_in(tmp_path) as world:
        authority = Producer()
        await world.sequencer.append(authority.says(about(consent="g_old", subject="sub-other")))
        await world.sequencer.append(Producer("gw1").says(decision("g_new", "ev_1")))
        await world.sequencer.append(authority.says(about(consent="g_new")))
        keys = keys_of(world)
        early = keys.consent("g_new")
        assert early is not None
        assert early.key_id in keys.of_person("p_ann")
        assert len(keys.of_person("p_ann")) == 2


async def test_details_open_with_the_keys_and_give_the_event_back(tmp_path):
    async with ledger_in(tmp_path) as world:
        said = told()
        await world.sequencer.append(Producer().says(said))
        (body,) = world.stores.entries.bodies(1, 2)
        rows = world.stores.entries.details(1, 2)
        assert restore(body, rows, keys_of(world)) == said


async def test_details_are_bound_to_their_entry_and_each_person_has_a_part(tmp_path):
    """Covers: AUDIT §5.5: erasing one must not erase the other."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(told(), told()))
        bodies = world.stores.entries.bodies(1, 3)
        subject, actor = world.stores.entries.details(1, 2)
        keys = keys_of(world)
        assert subject.key_id != actor.key_id
        assert set(unseal(actor, bodies[0], keys).fields) == {"actor"}
        assert "actor" not in unseal(subject, bodies[0], keys).fields
        with pytest.raises(ValueError, match="were changed"):
            unseal(subject, bodies[1], keys)


async def test_one_event_is_proved_and_one_field_disclosed_without_the_log(tmp_path):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path) as world:
        said = told()
        await world.sequencer.append(Producer().says(*(about() for _ in range(40)), said))
        arguments = (world.published, world.stores.entries, keys_of(world))
        with pytest.raises(Conflict, match="not below"):
            prove(said.event_id, *arguments)
        await world.publish()
        with pytest.raises(NotFound):
            prove("no-such-event", *arguments)
        proof = prove(said.event_id, *arguments, disclose=("ip", "actor"))
        vkey = world.signer.vkey
    assert check_proof(proof.text, proof.entry, vkey).size == 42
    assert {each.name: each.value for each in proof.disclosures} == {"ip": "192.0.2.7", "actor": "p_clerk"}
    for each in proof.disclosures:
        assert check_disclosure(proof.entry, each)
        assert not check_disclosure(proof.entry, type(each)(name=each.name, value="198.51.100.9", key=each.key))
    with pytest.raises(InvalidProof):
        check_proof(proof.text, proof.entry + b" ", vkey)
    with pytest.raises(InvalidProof):
        check_proof(proof.text.replace("index 41", "index 40"), proof.entry, vkey)
    with pytest.raises(InvalidNote):
        check_proof(proof.text.replace("\n42\n", "\n43\n"), proof.entry, vkey)


async def test_a_leaf_has_a_largest_size(tmp_path):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(InvalidRequest, match=f"{MAX_ENTRY} bytes"):
            await world.sequencer.append(Producer().says(event(res="x" * MAX_ENTRY)))
        await world.sequencer.append(Producer().says(event(detail={"text": "x" * 100_000})))
