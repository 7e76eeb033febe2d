"""A gateway that can remember no more proofs refuses further ones, says so, and stops nobody from stopping."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.system.people import until
from tests.faults.system.world import World, running

pytestmark = pytest.mark.timeout(120)
PROOFS = 12


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path, tmp_path / "data", f"[gateway]\nproofs = {PROOFS}")
    await world.make()
    async with running(world):
        yield world


async def test_with_no_room_for_proofs_calls_are_refused_with_the_reason_and_endings_hold(world: World) -> None:
    """Covers: line 2, check 99. A proof that cannot be remembered could be used twice."""
    person, app = await world.person(), world.app()
    held = await app.connect(person)

    async def admits() -> bool:
        return (await app.call(held.access)).status_code == 200

    await until(admits)
    told = [await app.call(held.access) for _ in range(2 * PROOFS)]
    refused = [answer for answer in told if answer.status_code != 200]
    assert PROOFS <= len(refused) < 2 * PROOFS
    assert {(one.status_code, one.json()["reason"]) for one in refused} == {(503, "proof_cache_full")}
    assert told[-1] is refused[-1], "nothing is forgotten to make room"
    assert (await person.withdraw(held.consent)).status_code == 303
    assert not await admits()
    await person.close()
    await app.close()
