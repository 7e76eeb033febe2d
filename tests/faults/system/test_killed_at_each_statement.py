"""The authority is killed at each statement of a mint, a consent and a withdrawal in turn, through its own front door:
the retry behaves rightly, and state, feed and events tell one story each time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from grantline.model.feed import Kind
from grantline.sdk.client import AccessRefused
from grantline.testing.killing import COMMITTED
from tests.faults.system.people import NoAnswer, Person, until
from tests.faults.system.reconcile import State, read, reconcile, waiting_events
from tests.faults.system.world import ROOT, SCOPE, App, World

pytestmark = pytest.mark.timeout(300)
MOST = 120


@dataclass
class Mortal:
    """An authority alone, that dies when told to; its events stay in the outbox, for nobody takes them."""

    world: World
    person: Person
    app: App
    token: str = ""

    def arm(self, unit: str, at: int) -> None:
        self._armed.write_text(f"{at} {unit}")

    def killed_at(self) -> str:
        """What was about to run; disarms a trap that did not spring."""
        killed = self.world.data / "run" / "killed"
        self._armed.unlink(missing_ok=True)
        statement = killed.read_text() if killed.exists() else ""
        killed.unlink(missing_ok=True)
        return statement

    async def back(self) -> None:
        await until(lambda: self.person.get("/.well-known/oauth-authorization-server"))

    @property
    def _armed(self) -> Path:
        return self.world.data / "run" / "armed"


@pytest_asyncio.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Mortal]:
    world = World(tmp_path, tmp_path / "data")
    await world.make()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "grantline.testing.killing", str(world.data), str(world.config), cwd=ROOT
    )
    mortal = Mortal(world, await world.person(), world.app())
    yield mortal
    process.terminate()
    assert await process.wait() == 0
    await mortal.person.close()
    await mortal.app.close()


Attempt = Callable[[], Awaitable[str]]
"""The act, once; what its caller was told in a word. May be repeated."""


async def minting(mortal: Mortal) -> Attempt:
    """A code is redeemed. Told nothing, the client tries it again."""
    begun = await mortal.app.client.begin(scope=SCOPE, prompt="consent")
    page = await mortal.person.open(begun.url)
    allowed = await mortal.person.allow(page, await mortal.person.answer(page))

    async def attempt() -> str:
        try:
            await mortal.app.client.finish(begun, allowed.headers["location"])
        except httpx2.TransportError as error:
            raise NoAnswer(repr(error)) from error
        except AccessRefused as refused:
            return refused.code
        return "done"

    return attempt


async def consenting(mortal: Mortal) -> Attempt:
    """A person allows. Told nothing, they press the button again."""
    begun = await mortal.app.client.begin(scope=SCOPE, prompt="consent")
    page = await mortal.person.open(begun.url)
    answer = await mortal.person.answer(page)

    async def attempt() -> str:
        told = await mortal.person.allow(page, answer)
        return "done" if "code=" in told.headers.get("location", "") else str(told.status_code)

    return attempt


async def withdrawing(mortal: Mortal) -> Attempt:
    """A person stops a connection. Told nothing, they stop it again."""
    connected = await mortal.app.connect(mortal.person)

    async def attempt() -> str:
        told = await mortal.person.withdraw(connected.consent)
        return "done" if told.status_code == 303 else str(told.status_code)

    return attempt


@dataclass(frozen=True)
class Act:
    """One act. `unit`: whose transaction is meant. `told_again`: the answer to the second attempt when the first was
    durable and nobody knew. `marks`: what the state holds one more of once it was done. `tables`: what it writes."""

    begin: Callable[[Mortal], Awaitable[Attempt]]
    unit: str
    told_again: str
    marks: Callable[[State], int]
    tables: tuple[str, ...]


# A code is spent once, a request is answered once, and stopping what has stopped is no mistake.
ACTS = {
    "mint": Act(
        minting,
        "write.<locals>.kept",
        "invalid_grant",
        lambda state: len(state.families),
        ("tickets", "families", "outbox"),
    ),
    "consent": Act(
        consenting,
        "Interaction.approve.<locals>.unit",
        "409",
        lambda state: state.versions.total(),
        ("consents", "consent_versions", "tickets", "outbox"),
    ),
    "withdraw": Act(
        withdrawing,
        "PageWithdrawal.withdraw.<locals>.unit",
        "done",
        lambda state: sum(entry.kind is Kind.GRANT for entry in state.feed),
        ("consents", "feed", "feed_head", "outbox"),
    ),
}


async def killed_once(mortal: Mortal, act: Act, at: int) -> tuple[str, bool]:
    """Do the act with a kill at this statement and try again; the statement ("" if it came through), and whether what
    was killed stood already."""
    attempt = await act.begin(mortal)
    before = act.marks(read(mortal.world.data))
    mortal.arm(act.unit, at)
    try:
        told = await attempt()
    except NoAnswer:
        told = ""
    statement = mortal.killed_at()
    assert told == ("" if statement else "done"), f"told {told!r} with a kill at {statement!r}"
    if not statement:
        return "", True
    await mortal.back()
    stood = act.marks(read(mortal.world.data)) > before
    assert await attempt() == (act.told_again if stood else "done"), f"after a kill at {statement!r}"
    state = read(mortal.world.data)
    assert act.marks(state) == before + 1
    reconcile(state, waiting_events(state))
    return statement, stood


@pytest.mark.parametrize("name", ACTS)
async def test_whatever_statement_it_dies_at_the_retry_is_right_and_everything_reconciles(
    mortal: Mortal, name: str
) -> None:
    """Covers: line 11, I4, I12, check 170."""
    act = ACTS[name]
    died_at: list[str] = []
    stood_at: list[str] = []
    for at in range(1, MOST):
        statement, stood = await killed_once(mortal, act, at)
        if not statement:
            break
        died_at.append(statement)
        stood_at += [statement] if stood else []
    else:
        pytest.fail("the act has more statements than were tried")
    for expected in ("BEGIN IMMEDIATE", "SAVEPOINT unit", "RELEASE unit", "COMMIT", COMMITTED):
        assert expected in died_at
    for table in act.tables:
        assert any(f"INTO {table} " in one or f"UPDATE {table} " in one for one in died_at), (
            table,
            [one[:60] for one in died_at],
        )
    assert stood_at[:1] == [COMMITTED], "it stands from its commit on, not before"
