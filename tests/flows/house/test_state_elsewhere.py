"""The state in PostgreSQL as commands and the server open it: remembered, never begun twice, refused in words."""

import asyncio
from pathlib import Path

import pytest

from grantline.app.database import choose
from grantline.app.places import Places
from grantline.app.state import WakingWork, open_state
from grantline.model.errors import InvalidConfiguration
from grantline.settings import load
from grantline.storage.postgres.connection import Address
from grantline.storage.settings import StorageSettings
from tests.postgres_server import PostgresServer


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
