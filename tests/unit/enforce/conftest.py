from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.enforce.world import World


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway of real parts, closed afterwards."""
    made = World(tmp_path)
    yield made
    await made.spool.close()
