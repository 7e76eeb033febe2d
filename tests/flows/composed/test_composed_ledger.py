"""The record of a running instance: complete within a second, without people in it, and provable by others."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.ledger.access import UnknownProducer
from grantline.ledger.client import LedgerClient
from grantline.ledger.prove import Disclosure, check_disclosure, check_proof
from grantline.model.clock import SystemClock
from grantline.model.events import Event, EventType, Sequenced, Submission
from grantline.model.ids import EventId
from tests.conformance.ledger.test_third_party import accept
from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)
WITHIN_S = 1.5
"""A second to be in the tree, and half of one for the checkpoint over it to be there."""


def leaves(folder: Path) -> list[dict[str, Any]]:
    """Every entry of an export, from its bundles (C2SP tlog-tiles: a length of two bytes, then the entry)."""
    found: dict[Path, list[bytes]] = {}
    for path in sorted((folder / "tile" / "entries").rglob("*")):
        if path.is_file():
            data, parts = path.read_bytes(), []
            while data:
                size = int.from_bytes(data[:2], "big")
                parts.append(data[2 : 2 + size])
                data = data[2 + size :]
            found[path] = parts
    return [json.loads(leaf) for parts in found.values() for leaf in parts]


async def recorded(world: WholeWorld, http: httpx2.AsyncClient, client: str) -> Connected:
    """An app that called both APIs and was stopped, with a second for the record to hold it."""
    world.register(client)
    app = await world.connect(http, client)
    for url in (world.bank + "/accounts", world.calendar + "/events"):
        assert (await app.get(url)).status_code == 200
    await world.stop(app)
    await asyncio.sleep(WITHIN_S)
    return app


@pytest.mark.serial
async def test_calls_at_both_gateways_are_in_the_record_within_a_second_and_name_nobody(
    world: WholeWorld, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Covers: line 6; AUDIT.md 5.1."""
    app = await recorded(world, http, "recorded")
    out = tmp_path / "export"
    world.until_published()
    world.cli("ledger", "export", str(out))
    entries = leaves(out)
    mine = [entry for entry in entries if entry.get("client") == "recorded"]
    decided = {entry["prod"] for entry in mine if entry["type"] == "gateway.decision@1"}
    assert decided == {"bank", "calendar"}
    names = {entry["cns"] for entry in mine if entry["type"] in {"gateway.decision@1", "consent.given@1"}}
    assert len(names) == 1, "one consent has one name in a month, whoever speaks of it"
    of_authority = {entry["type"] for entry in entries if entry.get("cns") in names and entry["prod"] == "authority"}
    assert {"consent.given@1", "consent.withdrawn@1", "consent.closed@1"} <= of_authority
    assert {entry["prod"] for entry in entries if entry["type"] == "gateway.outcome@1"} == {"bank", "calendar"}
    _names_nobody(world, out, [str(app.tokens.grant_id), *_resources(app.tokens.authorization_details)])


def _resources(details: Any) -> list[str]:
    return [name for detail in details for name in detail.get("resources", ())]


def _names_nobody(world: WholeWorld, folder: Path, secrets: list[str]) -> None:
    """No file of an export holds a person, a subject, a consent or an account."""
    secrets += ["holder", "partner", "Account holder", "Joint owner", *_subjects(world)]
    assert len(secrets) > 8
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert [secret for secret in secrets if secret.encode() in data] == [], path


def _subjects(world: WholeWorld) -> list[str]:
    """Pairwise subjects and person ids, read from the authority's state."""
    state = sqlite3.connect(f"file:{world.data}/authority/state.db?mode=ro", uri=True)
    try:
        tables = {row[0] for row in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found: list[str] = []
        for table in tables:
            columns = {row[1] for row in state.execute(f"PRAGMA table_info({table})")}
            for column in columns & {"person", "subject", "person_id", "sub"}:
                found += [row[0] for row in state.execute(f"SELECT DISTINCT {column} FROM {table}")]
        return [one for one in found if isinstance(one, str) and len(one) > 10]
    finally:
        state.close()


async def test_an_unknown_producer_is_refused(world: WholeWorld) -> None:
    """Covers: AUDIT.md 4 (invented events)."""
    now = SystemClock().wall_us()
    event = Event(event_id=EventId("0" * 26), type=EventType.FINDING, t=now, act="raise", res="finding", out="error")
    for name in ("bank", "authority", "nobody"):
        client = LedgerClient(world.data / "run" / "ledger.sock", name, SigningKey.generate())
        with pytest.raises(UnknownProducer):
            await client.submit(Submission(producer=name, events=(Sequenced(boot="b", seq=1, event=event),)))
        await client.close()


async def test_the_running_instance_verifies_and_proves_an_event_of_its_own_to_others(
    world: WholeWorld, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Covers: line 6, line 8."""
    app = await recorded(world, http, "proved")
    assert "verified" in world.cli("ledger", "verify")
    out = tmp_path / "export"
    world.until_published()
    world.cli("ledger", "export", str(out))
    assert "verified" in world.cli("ledger", "verify", "--export", str(out), "--vkey", str(out / "log.vkey"))
    accept(out)
    decision = next(
        entry for entry in leaves(out) if entry["type"] == "gateway.decision@1" and entry.get("client") == "proved"
    )
    proofs = tmp_path / "proofs"
    world.cli("ledger", "prove", decision["id"], "--out", str(proofs), "--disclose", "consent")
    body = (proofs / f"{decision['id']}.entry").read_bytes()
    check_proof((proofs / f"{decision['id']}.tlog-proof").read_text(), body, (out / "log.vkey").read_text().strip())
    told = msgspec.json.decode((proofs / f"{decision['id']}.disclosures.json").read_bytes(), type=list[Disclosure])
    assert [(one.name, one.value, check_disclosure(body, one)) for one in told] == [
        ("consent", app.tokens.grant_id, True)
    ]
    changed = msgspec.structs.replace(told[0], value="g_another")
    assert not check_disclosure(body, changed)
