"""A PostgreSQL of the tests' own: a temporary directory, a Unix socket in it, one empty database for each test."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from pwd import getpwnam
from typing import Any

import pytest

from grantline.storage.migrations.postgres import migrate_postgres
from grantline.storage.postgres.connection import Address, connect

ADMIN, TEMPLATE = "grantline", "grantline_template"
OWNER, GUARDED = "instance", "the word of the database"
"""A role that may do nothing but own a database, and the password that it has to know."""
OPTIONS = {
    "listen_addresses": "", "shared_buffers": "32MB", "max_connections": "80", "wal_level": "minimal",
    "max_wal_senders": "0", "max_prepared_transactions": "4",
}  # fmt: skip


@dataclass
class PostgresServer:
    """A running server. `process` may be stopped and started again by whoever tests that."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)
    _templated: bool = False

    def address(self, database: str) -> Address:
        """How a database of this server is reached."""
        return Address(f"postgresql://{ADMIN}@/{database}?host={self.directory}")

    def start(self) -> None:
        """Start and wait until it answers."""
        options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", str(self.directory / "data"), "-k", str(self.directory), *options]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **as_nobody())
        ready = [program("pg_isready"), "-q", "-h", str(self.directory), "-U", ADMIN, "-d", "postgres"]
        until = time.monotonic() + 30
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError((self.directory / "log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """At once, as if it had crashed: what was acknowledged must be there afterwards."""
        assert self.process is not None
        subprocess.run(
            [program("pg_ctl"), "-D", str(self.directory / "data"), "-m", "immediate", "-s", "stop"],
            check=True, **as_nobody(),
        )  # fmt: skip
        self.process.wait(30)

    async def empty(self, how: str = "") -> Address:
        """A database without a table; `how`: what CREATE DATABASE is told besides its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self._say(f"CREATE DATABASE {name} {how}")
        return self.address(name)

    async def guarded(self) -> Address:
        """A database without a table, owned by a role of its own that needs its password."""
        made = await self.empty()
        name = _name(made)
        await self._say(
            f"DO $$ BEGIN CREATE ROLE {OWNER} LOGIN PASSWORD '{GUARDED}'; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            f"ALTER DATABASE {name} OWNER TO {OWNER}"
        )
        return Address(made.url.replace(ADMIN, OWNER, 1))

    def as_admin(self, address: Address) -> Address:
        """The same database, by the role that may do everything."""
        return self.address(_name(address))

    async def migrated(self) -> Address:
        """A database with all tables, empty."""
        if not self._templated:
            await self._say(f"CREATE DATABASE {TEMPLATE}")
            await migrate_postgres(self.address(TEMPLATE))
            self._templated = True
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self._say(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.address(name)

    async def drop(self, address: Address) -> None:
        """Remove a database, whoever is connected."""
        await self._say(f"DROP DATABASE {_name(address)} WITH (FORCE)")

    async def _say(self, sql: str) -> None:
        connection = await connect(self.address("postgres"), "migrating")
        await connection.execute(sql)
        await connection.close()


def _name(address: Address) -> str:
    return address.url.split("/")[3].split("?")[0]


def program(name: str) -> str:
    """Debian keeps the server's programs out of PATH."""
    found = shutil.which(name)
    if found is None:
        kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        if not kept:
            pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
        found = str(kept[-1])
    return found


def as_nobody() -> dict[str, Any]:
    """The server refuses to run as root."""
    if os.geteuid():
        return {}
    nobody = getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of this process."""
    directory = Path(tempfile.mkdtemp(prefix="grantline-pg-"))
    if user := as_nobody():
        os.chown(directory, user["user"], user["group"])
    initdb = [program("initdb"), "-D", str(directory / "data"), "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*initdb, "--locale", "C"], check=True, capture_output=True, cwd=directory, **as_nobody())
    admitting = directory / "data" / "pg_hba.conf"
    admitting.write_text(f"local all {OWNER} scram-sha-256\n{admitting.read_text()}")
    server = PostgresServer(directory)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


def on_both(fixture: str) -> pytest.MarkDecorator:
    """Run the test over SQLite and over PostgreSQL; `fixture` opens what `database_of` says."""
    return pytest.mark.parametrize(fixture, ["sqlite", "postgres"], indirect=True)


@asynccontextmanager
async def database_of(request: pytest.FixtureRequest) -> AsyncIterator[Address | None]:
    """The empty PostgreSQL database that a test asks its fixture for; None where it asks for SQLite or nothing."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    address = await server.migrated()
    yield address
    await server.drop(address)


@pytest.fixture
async def postgres(postgres_server: PostgresServer) -> AsyncIterator[Address]:
    """An empty database with all tables."""
    address = await postgres_server.migrated()
    yield address
    await postgres_server.drop(address)
