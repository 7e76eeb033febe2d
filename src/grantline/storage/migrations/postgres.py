"""Brings a PostgreSQL database to the form this release knows: the same revisions, written as SQL, run by asyncpg."""

import asyncio
from io import StringIO
from pathlib import Path

from grantline.model.errors import InvalidConfiguration
from grantline.storage.migrations.run import HEADS, Line, configuration
from grantline.storage.postgres.connection import MIGRATION, Address, connect, is_unreachable
from grantline.storage.postgres.cursor import Connection


async def prepare(address: Address, *, create: bool, line: Line = "state") -> bool:
    """Migrate as `migrate_postgres`, but leave an empty database alone unless `create`; False if it was left so.

    Raises `InvalidConfiguration` where there is no such database or it lets us not in.
    """
    try:
        if not create:
            connection = await connect(address, "migrating")
            try:
                if await revision(connection) is None:
                    return False
            finally:
                await connection.close()
        await migrate_postgres(address, line)
    except Exception as error:
        if not is_unreachable(error):
            raise
        raise InvalidConfiguration(f"$.storage.url: {address.shown} cannot be used: {error}") from error
    return True


async def migrate_postgres(address: Address, line: Line = "state") -> None:
    """Create or upgrade the tables, one process at a time. A database of a newer release is refused, not guessed at."""
    connection = await connect(address, "migrating")
    try:
        await connection.execute(f"SELECT pg_advisory_lock({MIGRATION})")
        at = await revision(connection)
        if at != HEADS[line]:
            text = await asyncio.to_thread(script, at, line)
            # All revisions in one transaction: the database is at the old form or at the new one.
            await connection.execute(f"BEGIN;\n{text}\nCOMMIT;")
    finally:
        await connection.close()


async def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found = await connection.fetchval("SELECT version_num FROM alembic_version")
    return None if found is None else str(found)


def script(at: str | None, line: Line) -> str:
    """What leads from revision `at` to the newest, as SQL."""
    from alembic import command
    from alembic.util import CommandError

    written = StringIO()
    config = configuration(Path("unused"), line)
    config.output_buffer = written
    try:
        command.upgrade(config, f"{at or 'base'}:head", sql=True)
    except CommandError as error:
        raise InvalidConfiguration(
            "The database was written by a newer release; use that release or restore a copy.", detail=str(error)
        ) from error
    return written.getvalue()
