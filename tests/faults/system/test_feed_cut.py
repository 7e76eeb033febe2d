"""The composed gateway, cut off from its authority or stopped: it refuses within the lease and recovers by itself."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.feed.world import Network
from tests.faults.system.people import until
from tests.faults.system.world import App, Connected, World, running

pytestmark = pytest.mark.timeout(120)
LEASE_S, NOISE_S = 2.0, 1.5


@pytest_asyncio.fixture
async def between(tmp_path: Path) -> AsyncIterator[tuple[World, Network]]:
    world = World(tmp_path, tmp_path / "data")
    network = await Network(world.port).listen()
    world.authority_at = f"http://127.0.0.1:{network.port}"
    await world.make()
    async with running(world):
        yield world, network
    await network.close()


async def answered(app: App, held: Connected) -> str:
    """The reason of a refusal, or "allowed"."""
    answer = await app.call(held.access)
    return "allowed" if answer.status_code == 200 else str(answer.json()["reason"])


async def is_answered(app: App, held: Connected, expected: str, within_s: float = 20) -> float:
    began = time.monotonic()

    async def as_expected() -> bool:
        return await answered(app, held) == expected

    await until(as_expected, within_s)
    return time.monotonic() - began


@pytest.mark.parametrize("how", ["cut", "old beats", "stopped"])
async def test_a_withdrawal_holds_and_other_consents_go_on_when_the_gateway_is_back(
    between: tuple[World, Network], how: str
) -> None:
    """Covers: line 11, C1, C2, C3, C4. The withdrawal comes while the gateway cannot hear of it."""
    world, network = between
    person, app = await world.person(), world.app()
    ended, kept = await app.connect(person), await app.connect(person)
    for held in (ended, kept):
        await is_answered(app, held, "allowed")
    await asyncio.sleep(0.6)
    network.cut, network.replay = how == "cut", how == "old beats"
    if how == "stopped":
        world.signal("api", signal.SIGSTOP)
    assert (await person.withdraw(ended.consent)).status_code == 303
    if how == "stopped":
        await asyncio.sleep(LEASE_S)
        world.signal("api", signal.SIGCONT)
    elif how == "cut":
        assert await is_answered(app, kept, "feed_stale") < LEASE_S + NOISE_S
        network.cut = False
        network.break_connections()
    else:
        assert await is_answered(app, kept, "feed_stale") < LEASE_S + NOISE_S
        network.replay = False
    assert await answered(app, ended) != "allowed"
    await is_answered(app, kept, "allowed")
    assert await answered(app, ended) == "grant_withdrawn"
    await person.close()
    await app.close()
