"""The world of these flows. A file of tests that names `DATABASES` is run over each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.storage.postgres.connection import Address
from tests.authorization_world import World, make_world


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that says itself over which database it runs keeps to that."""
    databases = getattr(metafunc.module, "DATABASES", ())
    named = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if databases and "world" in metafunc.fixturenames and "world" not in named:
        metafunc.parametrize("world", databases, indirect=True)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """One authorization server over a database of its own."""
    over = getattr(request, "param", "sqlite")
    address: Address | None = await _fresh(request) if over == "postgres" else None
    made = await make_world(tmp_path / "state.db", address=address)
    yield made
    await made.close()
    if address is not None:
        await request.getfixturevalue("postgres_server").drop(address)


async def _fresh(request: pytest.FixtureRequest) -> Address:
    made: Address = await request.getfixturevalue("postgres_server").migrated()
    return made
