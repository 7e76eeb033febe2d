"""The record cannot be written: calls and new consents are refused with the reason, endings never, and afterwards
everything that waited is there in order, with the gap told of."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from grantline.app.places import Places
from grantline.model.events import EventType
from grantline.sdk.client import AccessRefused
from tests.faults.system.api import GATEWAY
from tests.faults.system.people import NoAnswer, Person, until
from tests.faults.system.reconcile import read, reconcile
from tests.faults.system.record import Record, read_record, require_once_and_in_order, verified
from tests.faults.system.world import App, Connected, World, evaluation_of, running, small_disks

pytestmark = pytest.mark.timeout(240)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
WAITING = 30
AUTHORITY_DISK = 1
SETTINGS = f"[gateway]\nwaiting_events = {WAITING}\n[ledger]\ncheckpoint_every_ms = 200\nlongest_lag_s = 2"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path, tmp_path / "data", SETTINGS)
    await world.make()
    async with running(world):
        yield world


@pytest_asyncio.fixture
async def person(world: World) -> AsyncIterator[Person]:
    person = await world.person()
    yield person
    await person.close()


@pytest_asyncio.fixture
async def app(world: World) -> AsyncIterator[App]:
    app = world.app()
    yield app
    await app.close()


async def allowed(app: App, held: Connected) -> str | None:
    """The evaluation of a call that was answered, else None."""
    answer = await app.call(held.access)
    return evaluation_of(answer) if answer.status_code == 200 else None


async def until_refused(app: App, held: Connected, reason: str, most: int = 4 * WAITING) -> list[str]:
    """Call until refused for this reason; the evaluations of what was allowed before."""
    admitted: list[str] = []
    for _ in range(most):
        answer = await app.call(held.access)
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["reason"]) == (503, reason)
            return admitted
        admitted.append(evaluation_of(answer))
    raise AssertionError(f"{len(admitted)} calls and no refusal")


async def until_unavailable(app: App, held: Connected) -> None:
    """Refresh until the authority does not any more."""

    async def refused() -> bool:
        try:
            tokens = await app.client.refresh(held.refresh)
        except AccessRefused as refused:
            return (refused.code, refused.status) == ("temporarily_unavailable", 503)
        assert tokens.refresh_token is not None
        held.access, held.refresh = tokens.access_token, tokens.refresh_token
        return False

    await until(refused)


async def everything_is_there(world: World, admitted: list[str], seen: Path) -> Record:
    """What waited was brought in order, each once, and tells the same story as the state."""

    async def brought() -> Record | None:
        # First that nothing waits, then the record: the other way round an event could arrive in between.
        if read(world.data).waiting:
            return None
        record = read_record(world.data)
        whole = set(record.decisions()) == set(record.outcomes())
        return record if whole and set(admitted) <= set(record.decisions()) else None

    record = await until(brought)
    require_once_and_in_order(record)
    reconcile(read(world.data), record.of_consents())
    await until(_verifies(world, seen))
    return record


def _verifies(world: World, seen: Path) -> Callable[[], Awaitable[bool]]:
    async def verifies() -> bool:
        return verified(world.data, seen, rows=True).ok

    return verifies


async def gap_is_told(world: World, producer: str) -> None:
    async def told() -> bool:
        return any(leaf["prod"] == producer for leaf in read_record(world.data).of_type(EventType.LOG_GAP))

    await until(told)


async def test_with_the_ledger_stopped_calls_and_mints_are_refused_and_stopping_works(
    world: World, person: Person, app: App, tmp_path: Path
) -> None:
    """Covers: line 11, AUDIT §5.2, checks 121, 128."""
    held, other = await app.connect(person), await app.connect(person)
    admitted = [await until(lambda: allowed(app, held))]
    world.signal("ledger", signal.SIGSTOP)
    admitted += await until_refused(app, held, "audit_unavailable")
    assert len(admitted) >= WAITING // 2, "the spool has to carry a while"
    await until_unavailable(app, held)
    with pytest.raises((AccessRefused, AssertionError)):
        await app.connect(person)
    assert (await person.withdraw(other.consent)).status_code == 303
    await app.client.revoke(held.refresh)
    withdrawn = {row["consent_id"] for row in read(world.data).consents if row["status"] == "withdrawn"}
    assert withdrawn == {other.consent}

    world.signal("ledger", signal.SIGCONT)
    await everything_is_there(world, [one for one in admitted if one], tmp_path / "seen.json")
    await gap_is_told(world, "authority")
    await gap_is_told(world, GATEWAY)
    again = await app.connect(person)
    assert await until(lambda: allowed(app, again))


async def test_with_the_signer_down_entries_are_taken_and_signed_when_it_is_back(
    world: World, person: Person, app: App, tmp_path: Path
) -> None:
    """Covers: line 11. An entry is durable before it is signed; what was never signed is signed later, whole."""
    held = await app.connect(person)
    admitted = [await until(lambda: allowed(app, held))]
    world.signal("signer", signal.SIGSTOP)
    for _ in range(2 * WAITING):
        admitted.append(await until(lambda: allowed(app, held)))
    assert (await person.withdraw(held.consent)).status_code == 303
    world.signal("signer", signal.SIGCONT)
    await everything_is_there(world, [one for one in admitted if one], tmp_path / "seen.json")


async def test_calls_open_in_a_crash_are_told_of_as_unknown_and_no_allowed_one_is_lost(
    world: World, person: Person, app: App, tmp_path: Path
) -> None:
    """Covers: line 11, AUDIT §5.2, check 124."""
    held = await app.connect(person)
    admitted = [await until(lambda: allowed(app, held))]
    slow = [asyncio.create_task(app.call(held.access, "&slow=1")) for _ in range(3)]

    async def open_calls() -> bool:
        record = read_record(world.data)
        return len(set(record.decisions()) - set(record.outcomes())) == 3

    await until(open_calls)
    world.signal("api", signal.SIGKILL)
    for ended in await asyncio.gather(*slow, return_exceptions=True):
        assert isinstance(ended, NoAnswer)
    record = await everything_is_there(world, [one for one in admitted if one], tmp_path / "seen.json")
    unknown = [one for outcomes in record.outcomes().values() for one in outcomes if one.rsn == "outcome_unknown"]
    assert len(unknown) == 3
    assert all(len(outcomes) == 1 for outcomes in record.outcomes().values())
    assert await until(lambda: allowed(app, held)), "the restarted gateway recovers by itself"


def fill(where: Path) -> Path:
    """Take every byte of a small disk."""
    ballast = where / "ballast"
    descriptor = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    for size in (65_536, 4_096, 512):
        with suppress(OSError):
            while True:
                os.write(descriptor, b"\0" * size)
    os.close(descriptor)
    return ballast


@needs_root
async def test_with_full_disks_everywhere_only_endings_go_on_and_a_restarted_gateway_says_why(tmp_path: Path) -> None:
    """Covers: line 11, AUDIT §5.2, I5. Ledger, authority and gateway each on a small disk of its own."""
    data = tmp_path / "data"
    disks = data / "ledger", data / "authority", Places(data).gateway(GATEWAY)
    data.mkdir(mode=0o700)
    with small_disks(*disks):
        world = World(tmp_path, data, SETTINGS)
        await world.make()
        async with running(world):
            await _full(world, disks, tmp_path)


async def _full(world: World, disks: tuple[Path, ...], tmp_path: Path) -> None:
    person, app = await world.person(), world.app()
    held, other = await app.connect(person), await app.connect(person)
    admitted = [await until(lambda: allowed(app, held))]
    ballast = [fill(disk) for disk in disks]

    await until_unavailable(app, held)
    assert (await person.withdraw(other.consent)).status_code == 303
    assert {row["consent_id"] for row in read(world.data).consents if row["status"] == "withdrawn"} == {other.consent}
    # Without an authority that can write, no gateway can open a session: that would be refused for another reason.
    ballast.pop(AUTHORITY_DISK).unlink()
    before = world.starts("api")
    world.signal("api", signal.SIGKILL)

    async def refuses() -> bool:
        answer = await app.call(held.access)
        return answer.status_code == 503 and answer.json()["reason"] == "audit_unavailable"

    await until(refuses)
    assert world.starts("api") == before + 1, "it serves, and says what is wrong, instead of dying again"
    assert (await person.withdraw(held.consent)).status_code == 303

    for one in ballast:
        one.unlink()
    await everything_is_there(world, [one for one in admitted if one], tmp_path / "seen.json")
    await gap_is_told(world, "authority")
    again = await until(lambda: _connected(app, person))
    assert await until(lambda: allowed(app, again))
    await person.close()
    await app.close()


async def _connected(app: App, person: Person) -> Connected | None:
    with suppress(AccessRefused, AssertionError, httpx2.TransportError):
        return await app.connect(person)
    return None
