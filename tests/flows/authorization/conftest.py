"""The world of these flows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.authorization_world import World, make_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """One authorization server over its own file."""
    made = await make_world(tmp_path / "state.db")
    yield made
    await made.close()
