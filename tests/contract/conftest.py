"""Each suite is run over a real SQLite file and over a real PostgreSQL server, by the stores of the authority."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.storage.postgres.database import PostgresDatabase
from grantline.storage.sql.transaction import SqlTransaction
from grantline.storage.sqlite.database import Database
from grantline.testing.running import Run
from tests.authorization_world import empty_copy
from tests.postgres_server import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
async def run(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Run]:
    """One unit, one transaction, over empty tables."""
    if request.param == "sqlite":
        database = Database(empty_copy(tmp_path / "state.db"), SqlTransaction)
        yield database.write
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    address = await server.migrated()
    elsewhere = PostgresDatabase(address, SqlTransaction)
    yield elsewhere.write
    await elsewhere.close()
    await server.drop(address)
