"""The stores do what the authorization server asks of any, on either database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.storage.postgres.connection import Address
from grantline.storage.postgres.database import PostgresDatabase
from grantline.storage.sqlite.database import Database
from grantline.testing.authorization_stores import AuthorizationStores, Run
from tests.authorization_world import Tx, empty_copy


class TestSqlite(AuthorizationStores):
    """Over a real file."""

    @pytest.fixture
    async def run(self, tmp_path: Path) -> AsyncIterator[Run]:
        """One unit, one transaction."""
        database = Database(empty_copy(tmp_path / "state.db"), Tx)
        yield database.write
        database.close()


class TestPostgres(AuthorizationStores):
    """Over a real server."""

    @pytest.fixture
    async def run(self, postgres: Address) -> AsyncIterator[Run]:
        """One unit, one transaction."""
        database = PostgresDatabase(postgres, Tx)
        yield database.write
        await database.close()
