"""Where the database is, and how a connection to it is opened: durable commits, bounded waits, the primary only."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from grantline.model.errors import InvalidConfiguration
from grantline.storage.postgres.cursor import Connection

Use = Literal["writing", "reading", "listening", "leading", "migrating"]
WRITERS = 0x6772616E74
"""Advisory lock of whoever writes: the same key in every process over one database."""
MIGRATION = WRITERS + 1
WAIT_S = 10
"""How long a statement may wait for a lock, and a transaction of ours may stand idle before the server ends it."""

OLDEST = 130_000
"""The oldest server that tells what became of a transaction (`pg_xact_status`, `pg_current_xact_id`)."""

# Classes of SQLSTATE: who we say we are, the database's name.
REFUSING_CLASSES = ("28", "3D")
# Connection, transaction rollback, resources, operator intervention, system. And refusals: a process that runs
# outlives a password or a rule of admission that is being changed.
PASSING_CLASSES = ("08", "40", "53", "57", "58", *REFUSING_CLASSES)
# Waited too long for a lock; stood idle too long; became a standby.
PASSING = ("55P03", "25P03", "25006")


@dataclass(frozen=True, slots=True)
class Address:
    """A `postgresql://` URL without a password, and the file that holds one."""

    url: str
    password_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("postgresql", "postgres"):
            raise InvalidConfiguration(f"$.storage.url: {parts.scheme or 'no'}:// is unknown; write postgresql://…")
        if parts.password is not None:
            raise InvalidConfiguration("$.storage.url holds a password; put it in a file and name it: password_file")

    @property
    def shown(self) -> str:
        """Host and database, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.hostname or parts.query or 'this machine'}{parts.path}"

    def password(self) -> str | None:
        """As the file has it now, so that a changed one counts at the next connection."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text().strip()
        except OSError as error:
            raise InvalidConfiguration(f"{self.password_file} cannot be read: {error.strerror}") from error


async def connect(address: Address, use: Use) -> Connection:
    """A connection to the primary. Raises what asyncpg raises; `InvalidConfiguration` for a server that forgets."""
    asyncpg = driver()
    idle = "0" if use == "listening" else f"{WAIT_S}s"
    connection = cast(
        Connection,
        await asyncpg.connect(
            address.url,
            password=address.password(),
            timeout=WAIT_S,
            command_timeout=None if use == "migrating" else 3 * WAIT_S,
            statement_cache_size=512,
            target_session_attrs="primary",
            server_settings={
                "application_name": f"grantline {use}",
                "default_transaction_isolation": "repeatable read" if use == "reading" else "read committed",
                "default_transaction_read_only": "on" if use == "reading" else "off",
                "idle_in_transaction_session_timeout": idle,
                "lock_timeout": f"{WAIT_S}s" if use == "writing" else "0",
            },
        ),
    )
    if use == "writing":
        await _make_durable(connection)
    return connection


async def require_fitting(connection: Connection) -> None:
    """Raises `InvalidConfiguration` for a server that is too old, or a database that does not keep text as UTF-8."""
    if int(await connection.fetchval("SHOW server_version_num")) < OLDEST:
        told = await connection.fetchval("SHOW server_version")
        raise InvalidConfiguration(
            f"$.storage.url: the server is PostgreSQL {told}; it takes {OLDEST // 10_000} or newer."
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise InvalidConfiguration(f"$.storage.url: the database's encoding is {encoding}; make one with UTF8.")


async def _make_durable(connection: Connection) -> None:
    """A commit that returned has been synced, whatever the server's default is; a stronger promise is kept."""
    if await connection.fetchval("SHOW fsync") != "on":
        await connection.close()
        raise InvalidConfiguration("The database server runs with fsync = off: what it commits may be forgotten.")
    if await connection.fetchval("SHOW synchronous_commit") not in ("on", "remote_apply"):
        await connection.execute("SET synchronous_commit = on")


def driver() -> Any:
    """asyncpg, which only installations on PostgreSQL have."""
    try:
        import asyncpg
    except ImportError as error:
        raise InvalidConfiguration(
            "State in PostgreSQL needs the package asyncpg: pip install 'grantline[postgres]'"
        ) from error
    return asyncpg


def is_passing(error: BaseException) -> bool:
    """True for what another try may not meet: a lost connection, a deadlock, a server that starts, is full or new."""
    asyncpg = driver()
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate)[:2] in PASSING_CLASSES or error.sqlstate in PASSING
    if isinstance(error, InvalidConfiguration):
        return True
    # asyncpg tells of a value that it cannot send by an InterfaceError that is a ValueError too.
    lost = asyncpg.InterfaceError | asyncpg.TargetServerAttributeNotMatched | OSError | TimeoutError
    return isinstance(error, lost) and not isinstance(error, ValueError)


def is_undone(error: BaseException) -> bool:
    """True if the server itself said that the transaction does not stand: a broken constraint, a conflict."""
    return isinstance(error, driver().PostgresError) and str(error.sqlstate)[:2] in ("23", "40")


def is_refused(error: BaseException) -> bool:
    """True if a person has to change something: the server lets us not in or not far enough, or is not who we meant."""
    asyncpg = driver()
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate)[:2] in REFUSING_CLASSES or isinstance(error, asyncpg.InsufficientPrivilegeError)
    return isinstance(error, asyncpg.ClientConfigurationError | ssl.SSLError)
