"""The same revisions lead to the same tables in PostgreSQL, one process at a time."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import BLOB, Integer
from sqlalchemy.schema import CreateIndex, CreateTable

from grantline.model.errors import InvalidConfiguration
from grantline.storage.migrations.postgres import migrate_postgres, revision
from grantline.storage.migrations.run import HEADS
from grantline.storage.postgres.connection import Address, connect
from grantline.storage.postgres.cursor import Connection
from grantline.storage.postgres.dialect import POSTGRES
from grantline.storage.schema import METADATA
from tests.postgres_server import PostgresServer

COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity "
    "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"
)
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
RULES = (
    "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version' ORDER BY 1, 2"
)
GUARDS = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"


@pytest.fixture
async def empty(postgres_server: PostgresServer) -> AsyncIterator[Address]:
    address = await postgres_server.empty()
    yield address
    await postgres_server.drop(address)


async def shape(address: Address) -> list[list[tuple[Any, ...]]]:
    connection = await connect(address, "migrating")
    found = [[tuple(row) for row in await connection.fetch(sql)] for sql in (COLUMNS, INDEXES, RULES, GUARDS)]
    await connection.close()
    return found


async def create_tables(connection: Connection) -> None:
    """What the code's own description of the tables makes."""
    for table in METADATA.sorted_tables:
        await connection.execute(str(CreateTable(table).compile(dialect=POSTGRES)))
        for index in table.indexes:
            await connection.execute(str(CreateIndex(index).compile(dialect=POSTGRES)))
        for guard in table.info.get("guards", {}).get("postgresql", ()):
            await connection.execute(guard)


async def test_a_migrated_database_has_the_tables_indexes_and_triggers_of_the_schema(
    postgres: Address, empty: Address
) -> None:
    connection = await connect(empty, "migrating")
    await create_tables(connection)
    await connection.close()
    assert await shape(postgres) == await shape(empty)


async def test_numbers_have_64_bits_and_what_is_opaque_is_bytes(postgres: Address) -> None:
    columns, *_ = await shape(postgres)
    kinds = {(table, column): kind for table, column, kind, *_ in columns}
    assert set(kinds.values()) == {"bigint", "bytea", "text"}
    for table in METADATA.tables.values():
        assert (table.name, "tenant") in kinds
        for column in table.columns:
            wanted = {Integer: "bigint", BLOB: "bytea"}.get(type(column.type), "text")
            assert kinds[table.name, column.name] == wanted


async def test_migrating_again_changes_nothing(postgres: Address) -> None:
    before = await shape(postgres)
    await migrate_postgres(postgres)
    assert await shape(postgres) == before


async def test_processes_that_start_at_once_migrate_one_after_the_other(empty: Address) -> None:
    await asyncio.gather(*(migrate_postgres(empty) for _ in range(4)))
    connection = await connect(empty, "migrating")
    assert await revision(connection) == HEADS["state"]
    await connection.close()


async def test_a_database_of_a_newer_release_is_refused_and_left_alone(postgres: Address) -> None:
    connection = await connect(postgres, "migrating")
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InvalidConfiguration, match="newer release"):
        await migrate_postgres(postgres)
    assert await revision(connection) == "9999"
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing(empty: Address) -> None:
    connection = await connect(empty, "migrating")
    await connection.execute("CREATE TABLE sessions (taken TEXT)")
    with pytest.raises(Exception, match=re.escape('"sessions" already exists')):
        await migrate_postgres(empty)
    assert await revision(connection) is None
    assert len(await connection.fetch("SELECT FROM pg_tables WHERE schemaname = 'public'")) == 1
    await connection.close()
