"""One world for all attacks; each registers an app of its own, so none sees what another left."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.whole_world import WholeWorld, whole_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeWorld]:
    yield from whole_world(tmp_path_factory.mktemp("composed") / "world")


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
        yield client
