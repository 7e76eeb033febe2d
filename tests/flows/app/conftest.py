"""The composed authority of these flows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.instance_world import Instance, instance


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Instance]:
    """An authority with one client and two people."""
    async with instance(tmp_path, "one", "two") as made:
        yield made
