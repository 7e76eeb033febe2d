"""Attacks on a running ledger (AUDIT §4): each succeeds against a build without the one check that stops it.

Those that files alone can show are in `verifier/test_hostile_logs.py`.
"""

import base64
import shutil
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.ledger import completeness, erasure, placing, process, sequencer
from grantline.ledger.access import Producers, state
from grantline.ledger.completeness import Counting, sentences
from grantline.ledger.erasure import Order
from grantline.ledger.findings import OwnStream
from grantline.ledger.inquiry.questions import WhoAccessed
from grantline.ledger.room import Room, Space
from grantline.model.errors import GrantlineError
from grantline.model.events import EventType
from tests.ledger_world import Disk, Producer, SteadyClock, about, ledger_in

NOW = 1_700_000_000_000_000


@dataclass
class Scene:
    """What an attack works on."""

    path: Any
    clock: SteadyClock
    disk: Disk

    def ledger(self):
        return ledger_in(self.path, clock=self.clock, space=self.disk)


def leaves(world):
    return [orjson.loads(body) for body in world.stores.entries.bodies(0, 1_000)]


def missing(world):
    counting = Counting()
    for index, body in enumerate(world.stores.entries.bodies(0, 1_000)):
        counting.take(index, body)
    return [said for said in sentences(counting.account()) if said.startswith(("MISSING", "clock"))]


async def suppressed(scene):
    """A service drops one of its events on the way, and goes on."""
    async with scene.ledger() as world:
        producer = Producer()
        await world.sequencer.append(producer.says(about()))
        producer.says(about(act="withdraw"))
        try:
            await world.sequencer.append(producer.says(about()))
        except GrantlineError:
            return "refused"
        return missing(world)


async def dropped_by_the_ledger(scene):
    """The ledger itself passes the hole and keeps silent about it."""
    async with scene.ledger() as world:
        producer = Producer()
        producer.says(about(act="withdraw"))
        await world.sequencer.append(producer.says(about()))
        return missing(world)


async def invented(scene):
    """Somebody says to be a producer that the ledger knows."""
    scene.path.joinpath("ledger").mkdir(parents=True)
    known = SigningKey.generate()
    scene.path.joinpath("ledger", "producers.json").write_bytes(msgspec.json.encode({"gw1": known.public.jwk}))
    async with scene.ledger() as world:
        token = state("gw1", SigningKey.generate(), int(time.time()), "x")
        status = await posted(world.ledger.app, token, Producer("gw1").says(about()))
        return status != 200


async def posted(app, token, submission):
    sent = []

    async def receive():
        return {"type": "http.request", "body": msgspec.json.encode(submission)}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/ingest",
             "headers": [(b"authorization", f"Bearer {token}".encode())]}  # fmt: skip
    await app(scope, receive, send)
    return sent[0]["status"]


async def replayed(scene):
    """The same event again, under another boot."""
    scene.path.joinpath("ledger").mkdir(parents=True)
    async with scene.ledger() as world:
        said = about()
        await world.sequencer.append(Producer(boot="b_1").says(said))
        await world.sequencer.append(Producer(boot="b_2").says(said))
        return len([leaf for leaf in leaves(world) if leaf["id"] == said.event_id]) == 1


async def changed_under_its_id(scene):
    """Another event under an id that is known: whoever asks for it by id would be told the first."""
    async with scene.ledger() as world:
        said = about()
        await world.sequencer.append(Producer(boot="b_1").says(said))
        try:
            await world.sequencer.append(Producer(boot="b_2").says(msgspec.structs.replace(said, act="take")))
        except GrantlineError:
            return "refused"
        return False


async def back_dated(scene):
    """The clock of the ledger's machine is put back."""
    async with scene.ledger() as world:
        await world.sequencer.append(Producer().says(about()))
        scene.clock.now_us -= 3_600_000_000
        await world.sequencer.append(Producer("late").says(about()))
        times = [leaf["tc"] for leaf in leaves(world)]
        return times == sorted(times)


async def dated_ahead(scene):
    """A producer dates what it did an hour later than it was."""
    async with scene.ledger() as world:
        await world.sequencer.append(Producer().says(about(t=NOW + 3_600_000_000)))
        return missing(world)


async def disk_filled(scene):
    """Somebody fills the disk until nothing that makes room could be written either."""
    async with scene.ledger() as world:
        scene.disk.now, scene.clock.now_ns = Space(1_000, 100 * 1024**3), scene.clock.now_ns + 2_000_000_000
        try:
            await world.sequencer.append(Producer().says(about()))
        except GrantlineError:
            return "refused"
        return False


async def snooped(scene):
    """Somebody with the right to ask looks at whom they like."""
    async with scene.ledger() as world:
        await world.sequencer.append(Producer().says(about()))
        await world.ledger.inquiries.answer(WhoAccessed(by="eve", reason="curious", person="p_ann"))
        return [leaf for leaf in leaves(world) if leaf["type"] == EventType.LEDGER_QUERIED]


async def resurrected(scene):
    """The keys of somebody who was erased come back with a copy of their file."""
    async with scene.ledger() as world:
        await world.sequencer.append(Producer().says(about()))
    kept = scene.path / "copy"
    kept.mkdir()
    for path in (scene.path / "ledger").glob("keys.db*"):
        shutil.copy(path, kept)
    async with scene.ledger() as world:
        await world.ledger.eraser.erase(Order(person="p_ann", basis="art17", request="R", evidence=True))
    for path in (scene.path / "ledger").glob("keys.db*"):
        path.unlink()
    for path in kept.iterdir():
        shutil.copy(path, scene.path / "ledger")
    async with scene.ledger() as world:
        return not world.stores.keys.of("person:p_ann")


def any_hole(patch):
    whole = placing.place
    patch.setattr(sequencer, "place", lambda *given, **_: whole(*given, gap_ok=True))


def no_holes_seen(patch):
    any_hole(patch)
    patch.setattr(completeness, "_holes", lambda *_: iter(()))


def anybody(patch):
    def believe(_self, authorization):
        payload = authorization.split(".")[1]
        return orjson.loads(base64.urlsafe_b64decode(payload + "=="))["iss"]

    patch.setattr(Producers, "identify", believe)


def no_memory_of_ids(patch):
    """Neither the look-up nor the database's own constraint."""
    patch.setattr("grantline.storage.sqlite.ledger.SqliteEntryStore.find", lambda *_: {})
    made = sqlite3.Connection

    class Lenient(made):
        def execute(self, sql, *given):
            return super().execute(sql.replace("UNIQUE (event_id)", "CHECK (1)"), *given)

    opened = sqlite3.connect
    patch.setattr(sqlite3, "connect", lambda *given, **more: opened(*given, **more | {"factory": Lenient}))


WEAKENED = {
    suppressed: no_holes_seen,
    dropped_by_the_ledger: no_holes_seen,
    invented: anybody,
    replayed: no_memory_of_ids,
    changed_under_its_id: lambda patch: patch.setattr(sequencer, "says", lambda *_: True),
    back_dated: lambda patch: patch.setattr(sequencer, "max", lambda _before, now: now, raising=False),
    dated_ahead: lambda patch: patch.setattr(completeness, "AHEAD_US", 10**18),
    disk_filled: lambda patch: patch.setattr(Room, "require", lambda _: None),
    snooped: lambda patch: patch.setattr(OwnStream, "tell", _nothing),
    resurrected: lambda patch: (
        patch.setattr(process, "destroy_again", lambda *_: None),
        patch.setattr(erasure.Eraser, "finish_all", _nothing),
    ),
}


async def _nothing(*_given, **_more):
    return None


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path / "data", SteadyClock(NOW), Disk(50 * 1024**3))


@pytest.mark.parametrize("attack", WEAKENED, ids=lambda attack: attack.__name__)
async def test_the_attack_is_noticed(scene, attack):
    """Covers: AUDIT §4."""
    scene.path.mkdir()
    if attack is dropped_by_the_ledger:
        with pytest.MonkeyPatch.context() as patch:
            any_hole(patch)
            assert await attack(scene)
        return
    assert await attack(scene)


@pytest.mark.parametrize("attack", WEAKENED, ids=lambda attack: attack.__name__)
async def test_the_attack_succeeds_without_the_check(scene, attack, monkeypatch):
    """Covers: AUDIT §4."""
    scene.path.mkdir()
    WEAKENED[attack](monkeypatch)
    assert not await attack(scene)
