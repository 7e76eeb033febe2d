"""`grantline clients`: who may register itself, who did, who is stopped."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grantline.app.state import open_state
from grantline.cli.program import app
from grantline.parties import RegistrationPolicy, token_digest


def say(data: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["clients", *words, "--data", str(data)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def make() -> None:
        async with open_state(tmp_path, create=True):
            pass

    asyncio.run(make())
    return tmp_path


def test_an_initial_token_is_printed_once_and_kept_hashed(data: Path) -> None:
    """Covers: line 5, check 130."""
    token = say(data, "initial-token", "--scope", "bank.transactions", "--uses", "2", "--hours", "1").strip()
    assert token.startswith("iat_")

    async def read() -> RegistrationPolicy | None:
        async with open_state(data) as state:
            return await state.read(lambda tx: tx.initial_tokens.policy(token_digest(token), 0))

    policy = asyncio.run(read())
    assert policy is not None
    assert policy.scopes == ("bank.transactions",)
    for file in (data / "authority").iterdir():
        if file.is_file():
            assert token.encode() not in file.read_bytes()


def test_a_grant_that_is_none_is_refused(data: Path) -> None:
    """Covers: check 91."""
    from grantline.model.errors import InvalidConfiguration

    with pytest.raises(InvalidConfiguration, match="no grant type password"):
        say(data, "initial-token", "--scope", "a", "--grant", "password")


def test_clients_are_listed_stopped_and_let_act_again(data: Path, tmp_path: Path) -> None:
    """Covers: check 131."""
    from tests.authorization_world import PUBLIC, HandClock

    async def declare() -> None:
        from grantline.parties import upsert

        async with open_state(data) as state:
            await state.write(lambda tx: upsert(tx, PUBLIC, HandClock(), bytes))

    asyncio.run(declare())
    assert say(data, "list") == "budget\tBudget\tdeclared\tactive\n"
    say(data, "stop", "budget")
    assert say(data, "list").endswith("disabled\n")
    say(data, "start", "budget")
    assert say(data, "list").endswith("active\n")
