"""A world for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.consent_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path / "state.db")
    yield world
    world.work.close()
