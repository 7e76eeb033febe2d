"""An API looks a token up at each call: what is on record is answered without writing, and never from memory."""

import base64
from typing import Any

import httpx2
import pytest

from grantline.model.events import EventType
from grantline.parties import hash_of, read_client
from grantline.sdk.client import Tokens
from tests.authorization_world import World

SECRET = "a secret of 256 bits, made by the server"


@pytest.fixture
async def tokens(world: World) -> Tokens:
    bank: dict[str, Any] = {
        "id": "bank", "name": "Bank", "publisher": "Bank", "web": "https://bank.example", "kind": "service",
        "auth": "client_secret_basic", "secret_hashes": [hash_of(SECRET)], "grants": [],
        "audience": ["https://bank.example/api"],
    }  # fmt: skip
    await world.register(read_client(bank))
    return await world.connect(world.app(), "bank.transactions openid")


async def ask(world: World, token: str) -> httpx2.Response:
    proof = base64.b64encode(f"bank:{SECRET.replace(' ', '+').replace(',', '%2C')}".encode()).decode()
    return await world.http.post("/introspect", data={"token": token}, headers={"authorization": f"Basic {proof}"})


async def looks(world: World) -> int:
    return sum(event.type is EventType.TOKEN_INTROSPECTED for event in await world.events())


async def test_a_second_look_in_the_minute_writes_nothing_and_says_the_same(
    world: World, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await ask(world, tokens.access_token)
    assert (first.json()["active"], await looks(world)) == (True, 1)

    async def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("something was written")

    with monkeypatch.context() as patch:
        patch.setattr(world.database, "write", refuse)
        assert (await ask(world, tokens.access_token)).json() == first.json()
    world.clock.pass_seconds(60)
    assert (await ask(world, tokens.access_token)).json() == first.json()
    assert await looks(world) == 2


async def test_what_ended_since_the_last_look_is_inactive_at_the_next(world: World, tokens: Tokens) -> None:
    """Covers: ARCHITECTURE.md idea 2."""
    assert (await ask(world, tokens.access_token)).json()["active"] is True
    consent, person = tokens.grant_id, world.people["ada"]
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=consent, person=person))  # type: ignore[arg-type]
    assert (await ask(world, tokens.access_token)).json() == {"active": False}


async def test_a_token_that_was_looked_at_expires_like_any_other(world: World, tokens: Tokens) -> None:
    assert (await ask(world, tokens.access_token)).json()["active"] is True
    world.clock.pass_seconds(world.server.settings.access_lifetime)
    assert (await ask(world, tokens.access_token)).json() == {"active": False}


async def test_each_look_at_what_is_no_token_is_on_record(world: World, tokens: Tokens) -> None:
    for _ in range(3):
        assert (await ask(world, f"{tokens.access_token}x")).json() == {"active": False}
    assert await looks(world) == 3
