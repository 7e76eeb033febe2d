"""`grantline clients secret`: made here, shown once, never written down."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grantline.app.places import Places
from grantline.cli.apply import apply_to
from grantline.cli.clients import app
from grantline.cli.declaration import read_declaration
from grantline.model.errors import InvalidConfiguration
from grantline.parties import hash_of
from tests.flows.house.test_apply import INSTANCE, written

WITH_SECRET = INSTANCE.replace('id = "budget"\n', 'id = "budget"\nauth = "client_secret_post"\n')


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    await apply_to(tmp_path / "data", read_declaration(written(tmp_path, WITH_SECRET)))
    return tmp_path / "data"


async def kept(data: Path) -> tuple[str, ...]:
    from grantline.app.state import open_state
    from grantline.model.ids import ClientId

    async with open_state(data) as state:
        client = await state.read(lambda tx: tx.clients.get(ClientId("budget")))
    assert client is not None
    return client.secret_hashes


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def made(data: Path, *options: str) -> str:
    # The command has a loop of its own.
    done = await asyncio.to_thread(CliRunner().invoke, app, ["secret", "budget", "--data", str(data), *options])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()[0]


async def test_each_is_printed_once_kept_hashed_and_replaces_the_one_before_the_last(data: Path) -> None:
    first, second = await made(data), await made(data)
    assert await kept(data) == (hash_of(second), hash_of(first))
    third = await made(data)
    assert await kept(data) == (hash_of(third), hash_of(second))
    alone = await made(data, "--alone")
    assert await kept(data) == (hash_of(alone),)
    files = contents(data)
    assert not [secret for secret in (first, second, third, alone) for text in files if secret.encode() in text]


async def test_applying_the_declaration_again_leaves_the_secrets(data: Path, tmp_path: Path) -> None:
    await made(data)
    before = await kept(data)
    said = await apply_to(data, read_declaration(tmp_path / "instance.toml"))
    assert "client budget unchanged" in said
    assert await kept(data) == before
    assert Places(data).state.exists()


def test_only_a_client_that_shows_secrets_gets_one(tmp_path: Path) -> None:
    asyncio.run(apply_to(tmp_path / "data", read_declaration(written(tmp_path))))
    with pytest.raises(InvalidConfiguration, match="takes no secret"):
        CliRunner().invoke(app, ["secret", "budget", "--data", str(tmp_path / "data")], catch_exceptions=False)
    with pytest.raises(InvalidConfiguration, match="no client nobody"):
        CliRunner().invoke(app, ["secret", "nobody", "--data", str(tmp_path / "data")], catch_exceptions=False)
