"""One authority's keys, not started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keys_world import KeysWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KeysWorld]:
    made = KeysWorld(tmp_path / "state.db")
    yield made
    made.database.close()
