"""Processes are killed at random while people consent, refresh, call and stop: nothing acknowledged is lost, nothing
is told twice, and state, feed and ledger tell one story at the end."""

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from grantline.crypto.encoding import unb64url
from grantline.model.errors import AuditUnavailable, NotFound
from grantline.model.events import EventType, jti_hash
from grantline.sdk.client import AccessRefused
from tests.faults.system.people import NoAnswer, Person, until
from tests.faults.system.reconcile import State, read, reconcile
from tests.faults.system.record import Record, read_record, require_once_and_in_order, verified
from tests.faults.system.world import App, Connected, World, evaluation_of, running

VICTIMS = ("authority", "ledger", "signer", "api")
SEED = 11
SETTINGS = "[ledger]\ncheckpoint_every_ms = 200"


class Load:
    """What runs while processes die, and what its callers were told."""

    def __init__(self, world: World, person: Person, chance: random.Random) -> None:
        self._world, self._person, self._chance = world, person, chance
        self.tokens: set[str] = set()
        self.allowed: set[str] = set()
        self.stopped: set[str] = set()
        self.done: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def live(self) -> None:
        """One client's days: connect, call, refresh, and often stop in the end."""
        while not self.over.is_set():
            app = self._world.app()
            try:
                connected = await app.connect(self._person)
                self._got("connect", connected.access)
                await self._use(app, connected)
                if self._chance.random() < 0.7:
                    await self._stop(connected.consent)
            except (NoAnswer, AccessRefused, httpx2.TransportError):
                await asyncio.sleep(0.05)
            finally:
                await app.close()

    async def _use(self, app: App, connected: Connected) -> None:
        for _ in range(self._chance.randrange(2, 6)):
            for _ in range(4):
                answer = await app.call(connected.access)
                self.done[f"call {answer.status_code}"] += 1
                if answer.status_code == 200:
                    self.allowed.add(evaluation_of(answer))
            tokens = await app.client.refresh(connected.refresh)
            assert tokens.refresh_token is not None
            connected.access, connected.refresh = tokens.access_token, tokens.refresh_token
            self._got("refresh", connected.access)

    async def _stop(self, consent: str) -> None:
        """Stopping is tried until it is answered."""
        while not self.over.is_set():
            try:
                answer = await self._person.withdraw(consent)
            except NoAnswer:
                await asyncio.sleep(0.05)
                continue
            assert answer.status_code == 303
            self.stopped.add(consent)
            self.done["stop"] += 1
            return

    def _got(self, what: str, token: str) -> None:
        jti = json.loads(unb64url(token.split(".")[1]))["jti"]
        self.tokens.add(jti_hash(jti))
        self.done[what] += 1


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path, tmp_path / "data", SETTINGS)
    await world.make()
    async with running(world):
        yield world


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.long)])
async def test_nothing_acknowledged_is_lost_and_state_feed_and_ledger_reconcile(
    world: World, tmp_path: Path, kills: int
) -> None:
    """Covers: line 11, AUDIT §6.1, checks 121, 170."""
    chance = random.Random(SEED)
    person = await world.person()
    load = Load(world, person, chance)
    clients = [asyncio.create_task(load.live()) for _ in range(3)]
    victims = [VICTIMS[at % len(VICTIMS)] for at in range(kills)]
    chance.shuffle(victims)
    seen = tmp_path / "seen.json"
    for victim in victims:
        goal = load.done.total() + chance.randrange(10, 60)
        await until(_reached(load, goal, clients), within_s=60)
        began = world.starts(victim)
        world.signal(victim, signal.SIGKILL)
        await until(_started(world, victim, began))
        await until(_verifies(world, seen))
    goal = load.done.total() + 30
    await until(_reached(load, goal, clients), within_s=60)
    load.over.set()
    await asyncio.gather(*clients)
    await person.close()
    await _judge(world, load, seen)


def _reached(load: Load, goal: int, clients: list[asyncio.Task[None]]) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        for client in clients:
            if client.done():
                client.result()
        return load.done.total() >= goal

    return reached


def _started(world: World, victim: str, before: int) -> Callable[[], Awaitable[bool]]:
    async def started() -> bool:
        return world.starts(victim) > before

    return started


def _verifies(world: World, seen: Path, size: int = 0) -> Callable[[], Awaitable[bool]]:
    """What was published continues what the verifier remembers. While files are being replaced it looks again."""

    async def verifies() -> bool:
        try:
            report = verified(world.data, seen, rows=size > 0)
        except (AuditUnavailable, NotFound):
            return False
        return report.ok and report.size >= size

    return verifies


async def _judge(world: World, load: Load, seen: Path) -> None:
    """Wait until everything was brought to the ledger, then hold all of it against all of it."""
    state = await until(_drained(world))
    record = await until(_accounted(world))
    reconcile(state, record.of_consents())
    require_once_and_in_order(record)
    await until(_verifies(world, seen, len(record.leaves)))
    assert load.done["connect"]
    assert load.done["refresh"]
    assert load.done["stop"]
    assert load.allowed <= set(record.decisions())
    assert all(count == 1 for count in record.decisions().values())
    minted = {leaf["jtih"] for leaf in record.leaves if leaf["type"] in {"token.issued@1", "token.refreshed@1"}}
    assert load.tokens <= minted
    assert {leaf["jtih"] for leaf in record.of_type(EventType.GATEWAY_DECISION)} <= minted
    assert load.stopped <= {row["consent_id"] for row in state.consents if row["status"] == "withdrawn"}


def _drained(world: World) -> Callable[[], Awaitable[State | None]]:
    async def drained() -> State | None:
        state = read(world.data)
        return None if state.waiting else state

    return drained


def _accounted(world: World) -> Callable[[], Awaitable[Record | None]]:
    """The record, once each permitted call has an outcome, known or not."""

    async def accounted() -> Record | None:
        record = read_record(world.data)
        return record if set(record.decisions()) == set(record.outcomes()) else None

    return accounted
