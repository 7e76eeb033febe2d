"""Brings a PostgreSQL database to the form this release knows: the same revisions, written as SQL, run by asyncpg."""

import asyncio
from io import StringIO
from pathlib import Path

from grantline.model.errors import AuditUnavailable, GrantlineError, InvalidConfiguration
from grantline.storage.migrations.run import HEADS, Line, configuration
from grantline.storage.postgres.connection import (
    MIGRATION,
    Address,
    connect,
    is_passing,
    is_refused,
    require_fitting,
)
from grantline.storage.postgres.cursor import Connection


async def prepare(address: Address, *, create: bool, line: Line = "state") -> bool:
    """Migrate as `migrate_postgres`, but leave an empty database alone unless `create`; False if it was left so.

    Raises `InvalidConfiguration` for a database that cannot be used until somebody changes something, and
    `AuditUnavailable` for one that does not answer.
    """
    try:
        return await _prepare(address, create, line)
    except GrantlineError:
        raise
    except Exception as error:
        if is_refused(error):
            raise InvalidConfiguration(f"$.storage.url: {address.shown} cannot be used: {error}") from error
        if is_passing(error):
            raise AuditUnavailable(f"$.storage.url: {address.shown} does not answer: {error}") from error
        raise


async def _prepare(address: Address, create: bool, line: Line) -> bool:
    connection = await connect(address, "migrating")
    try:
        await require_fitting(connection)
        if not create and await revision(connection) is None:
            return False
    finally:
        await connection.close()
    await migrate_postgres(address, line)
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
