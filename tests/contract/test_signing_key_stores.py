"""The SQLite store of signing keys does what the authority asks of any."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grantline.storage.migrations import migrate
from grantline.storage.sql.transaction import SqlTransaction
from grantline.storage.sqlite.database import Database
from grantline.testing.signing_key_stores import Run, SigningKeyStores


class TestSqlite(SigningKeyStores):
    """Over a real, migrated file."""

    @pytest.fixture
    async def run(self, tmp_path: Path) -> AsyncIterator[Run]:
        """One unit, one transaction."""
        migrate(tmp_path / "state.db", "state")
        database = Database(tmp_path / "state.db", SqlTransaction)
        yield database.write
        database.close()
