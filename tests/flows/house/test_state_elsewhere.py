"""The state in PostgreSQL as commands and the server open it: remembered, never begun twice, refused in words."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grantline.app.database import choose
from grantline.app.places import Places
from grantline.app.state import WakingWork, open_state
from grantline.cli.program import app
from grantline.model.errors import InvalidConfiguration
from grantline.model.feed import Kind, NewEntry
from grantline.settings import load
from grantline.storage.postgres.connection import Address, connect
from grantline.storage.settings import StorageSettings
from tests.postgres_server import PostgresServer, program

SERVING = "serving"
ROWS_ALONE = """
CREATE ROLE {role} LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE ON consent_versions FROM {role};
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role};
"""
ENTRY = NewEntry(kind=Kind.GRANT, id="g_1", cause="grant_withdrawn", until=10, min_epoch=2)


async def test_what_one_program_keeps_another_finds_by_the_data_directory_alone(
    postgres: Address, tmp_path: Path
) -> None:
    async with open_state(tmp_path, create=True, storage=StorageSettings(postgres.url)) as state:
        await state.write(lambda tx: tx.burned.keep("test", b"d", 2_000_000_000))
    async with open_state(tmp_path) as state:
        assert await state.read(lambda tx: tx.burned.has("test", b"d"))
    assert not Places(tmp_path).state.exists()


async def test_the_address_is_remembered_without_its_password(postgres: Address, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    given = StorageSettings(postgres.url, secret)
    assert choose(tmp_path, given) == given
    assert choose(tmp_path, None) == choose(tmp_path, StorageSettings()) == given
    kept = Places(tmp_path).state.with_name("database.json")
    assert "s3cret" not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


async def test_an_instance_on_sqlite_does_not_move_by_a_setting(postgres: Address, tmp_path: Path) -> None:
    async with open_state(tmp_path, create=True):
        pass
    with pytest.raises(InvalidConfiguration, match="SQLite already"):
        async with open_state(tmp_path, create=True, storage=StorageSettings(postgres.url)):
            pass
    async with open_state(tmp_path) as state:
        assert await state.read(lambda tx: tx.people.count()) == 0


async def test_a_command_makes_no_instance_in_an_empty_database(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    address = await postgres_server.empty()
    with pytest.raises(InvalidConfiguration, match="holds no Grantline instance"):
        async with open_state(tmp_path, storage=StorageSettings(address.url)):
            pass
    await postgres_server.drop(address)


@pytest.mark.parametrize("database", ["nowhere", "postgres"])
async def test_a_database_that_cannot_be_used_is_named(
    postgres_server: PostgresServer, tmp_path: Path, database: str
) -> None:
    url = postgres_server.address(database).url
    if database == "postgres":
        url = url.replace("grantline@", "stranger@")
    with pytest.raises(InvalidConfiguration, match=rf"\$\.storage\.url: .*{database}.* cannot be used"):
        async with open_state(tmp_path, create=True, storage=StorageSettings(url)):
            pass


def test_whoever_names_a_database_first_makes_a_directory_that_is_closed_to_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    choose(data, StorageSettings("postgresql://db.example/grantline"))
    assert data.stat().st_mode & 0o077 == 0


async def test_a_database_that_does_not_keep_text_as_utf8_is_refused(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    address = await postgres_server.empty("ENCODING 'SQL_ASCII' TEMPLATE template0")
    with pytest.raises(InvalidConfiguration, match="encoding is SQL_ASCII; make one with UTF8"):
        async with open_state(tmp_path, create=True, storage=StorageSettings(address.url)):
            pass
    await postgres_server.drop(address)


async def test_a_server_that_is_too_old_is_refused(
    postgres: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grantline.storage.postgres.connection.OLDEST", 990_000)
    with pytest.raises(InvalidConfiguration, match=r"the server is PostgreSQL \d+.*; it takes 99 or newer"):
        async with open_state(tmp_path, storage=StorageSettings(postgres.url)):
            pass


async def test_a_role_with_rights_to_rows_alone_serves_and_changes_no_table(postgres: Address, tmp_path: Path) -> None:
    """As the manual says: whoever serves need not own the tables, and is refused where it would have to."""
    owner = await connect(postgres, "migrating")
    await owner.execute(ROWS_ALONE.format(role=SERVING))
    serving = StorageSettings(postgres.url.replace("grantline@", f"{SERVING}@"))
    try:
        async with open_state(tmp_path, storage=serving) as state:
            await state.write(lambda tx: tx.burned.keep("test", b"d", 2_000_000_000))
            await state.write(lambda tx: tx.feed.append(ENTRY))
            assert await state.read(lambda tx: tx.burned.has("test", b"d"))
        await owner.execute("UPDATE alembic_version SET version_num = '0009'")
        with pytest.raises(InvalidConfiguration, match=r"cannot be used: .*(permission denied|must be owner)"):
            async with open_state(tmp_path, storage=serving):
                pass
    finally:
        await owner.execute(f"DROP OWNED BY {SERVING}; DROP ROLE {SERVING}")
        await owner.close()


async def test_a_dump_that_is_restored_serves_once_the_feed_is_said_to_begin_anew(
    postgres_server: PostgresServer, postgres: Address, tmp_path: Path
) -> None:
    """As the manual says: pg_dump, an empty database, pg_restore, then `grantline gateway new-incarnation`."""
    async with open_state(tmp_path / "old", storage=StorageSettings(postgres.url)) as state:
        await state.write(lambda tx: tx.feed.append(ENTRY))
        await state.write(lambda tx: tx.burned.keep("test", b"d", 2_000_000_000))
    copied, dump = await postgres_server.empty(), tmp_path / "state.dump"
    for command in (("pg_dump", "-Fc", "-f", str(dump), postgres.url), ("pg_restore", "-d", copied.url, str(dump))):
        subprocess.run([program(command[0]), *command[1:]], check=True, capture_output=True)  # noqa: ASYNC221
    choose(tmp_path / "new", StorageSettings(copied.url))
    said = await asyncio.to_thread(CliRunner().invoke, app, ["gateway", "new-incarnation", "--data", f"{tmp_path}/new"])
    assert "incarnation 2 now" in said.stdout
    async with open_state(tmp_path / "new") as state:
        assert await state.read(lambda tx: tx.burned.has("test", b"d"))
        assert [line.entry.id for line in await state.read(lambda tx: tx.gateways.feed.after(0, 9))] == [ENTRY.id]
        assert (await state.write(lambda tx: tx.feed.append(ENTRY))).seq > 1_000
    await postgres_server.drop(copied)


def test_the_environment_names_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRANTLINE_STORAGE__URL", "postgresql://db.example/grantline")
    assert load(None).storage.url == choose(tmp_path, None).url == "postgresql://db.example/grantline"


async def test_who_follows_commits_is_woken_by_another_process(postgres: Address, tmp_path: Path) -> None:
    given = StorageSettings(postgres.url)
    async with open_state(tmp_path, storage=given) as one, open_state(tmp_path, storage=given) as other:
        woken = asyncio.Event()
        work = WakingWork(one)
        work.after_commit(woken.set)
        await asyncio.wait_for(woken.wait(), 10)
        woken.clear()
        await other.write(lambda tx: tx.burned.keep("test", b"d", 2_000_000_000))
        await asyncio.wait_for(woken.wait(), 10)
