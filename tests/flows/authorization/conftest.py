"""The world of these flows. A file of tests that names `DATABASES` is run over each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.authorization_world import World, make_world
from tests.postgres_server import database_of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that says itself over which database it runs keeps to that."""
    databases = getattr(metafunc.module, "DATABASES", ())
    named = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if databases and "world" in metafunc.fixturenames and "world" not in named:
        metafunc.parametrize("world", databases, indirect=True)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """One authorization server over a database of its own."""
    async with database_of(request) as address:
        made = await make_world(tmp_path / "state.db", address=address)
        yield made
        await made.close()
