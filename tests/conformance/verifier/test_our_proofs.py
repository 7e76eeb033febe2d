"""What the ledger itself writes is verified by the program that knows nothing of it."""

import json

import msgspec

from grantline.ledger.export import export
from grantline.ledger.keys import PersonKeys
from grantline.ledger.prove import prove
from grantline.ledger.root_keys import open_root_keys
from tests.conformance.verifier.a_log import program
from tests.ledger_world import Producer, about, ledger_in, randomness

DETAIL = {"ip": "203.0.113.7", "user_agent": 'Ärger/1.0 "Zitat"\n', "resources": ["acc-1"]}


async def written(folder, disclose):
    """A proof of one real event among forty, with what it discloses, and the whole log."""
    async with ledger_in(folder / "data") as world:
        said = about(detail=DETAIL)
        await world.sequencer.append(Producer().says(*(about() for _ in range(40)), said, about()))
        await world.publish()
        keys = PersonKeys(world.stores.keys, open_root_keys(world.places.root_key, randomness), randomness)
        proof = prove(said.event_id, world.published, world.stores.entries, keys, disclose=disclose)
        export(world.published, folder / "export")
    (folder / "proof").write_text(proof.text)
    (folder / "entry").write_bytes(proof.entry)
    (folder / "told").write_bytes(msgspec.json.encode(proof.disclosures))
    return ["--entry", f"{folder}/entry", "--vkey", f"{folder}/export/log.vkey", "--disclosures", f"{folder}/told"]


async def test_a_proof_and_what_it_discloses(tmp_path, capsys):
    """Covers: AUDIT §5.5, AUDIT §5.8."""
    more = await written(tmp_path, ("ip", "user_agent", "detail"))
    assert program().main(["proof", f"{tmp_path}/proof", *more]) == 0
    said = capsys.readouterr().out
    assert "verified: entry 41 of 43 in ledger.example/log" in said
    assert 'disclosed: ip = "203.0.113.7"' in said
    assert "disclosed: user_agent" in said
    assert program().main(["log", f"{tmp_path}/export", "--vkey", f"{tmp_path}/export/log.vkey"]) == 0


async def test_another_value_than_the_entry_is_committed_to_is_refused(tmp_path, capsys):
    more = await written(tmp_path, ("ip",))
    honest = json.loads((tmp_path / "told").read_text())
    for wrong in ({"value": "203.0.113.8"}, {"name": "actor"}, {"key": "AAAA"}, {"key": 1}, {"value": 0.5}):
        (tmp_path / "told").write_text(json.dumps([honest[0] | wrong]))
        assert program().main(["proof", f"{tmp_path}/proof", *more]) == 1, wrong
    for nothing in ("{}", "[1]", "not json"):
        (tmp_path / "told").write_text(nothing if nothing != "{}" else '[{"name": "ip"}]')
        assert program().main(["proof", f"{tmp_path}/proof", *more]) == 1, nothing
    assert "REFUSED" in capsys.readouterr().err
