"""Tokens that say nothing, for APIs that ask for such: what they stand for, and all that ends them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from grantline.authorization import token_for
from grantline.crypto.es256 import SigningKey
from grantline.model.events import EventType
from grantline.model.ids import GatewayId
from grantline.model.token import AccessClaims, opaque_digest
from grantline.parties import read_client
from grantline.sdk.client import Tokens
from tests.authorization_world import APP_KEY, CALLBACK, ISSUER, PUBLIC, World, make_world
from tests.flows.authorization.raw import claims_of
from tests.flows.authorization.test_introspection import api, ask, give_back
from tests.grants_world import BANK, CALENDAR, agent
from tests.opaque_world import opaque_at
from tests.postgres_server import database_of, on_both

FORM = re.compile(r"gat_[A-Za-z0-9_-]{43}")
SAID = {
    "active", "iss", "aud", "sub", "client_id", "exp", "iat", "jti", "scope", "grant_id", "gver", "gep", "seq", "pur",
    "fam", "cnf", "acr", "auth_time", "token_type", "authorization_details",
}  # fmt: skip
OPEN = read_client(
    {
        "id": "open", "name": "Open", "publisher": "Open Ltd", "web": "https://open.example", "dpop_bound": False,
        "redirect_uris": [CALLBACK], "scopes": ["bank.transactions", "bank.balances", "calendar.events", "openid"],
        "grants": ["authorization_code", "refresh_token"],
    }
)  # fmt: skip


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The bank asks for opaque tokens, the calendar does not."""
    async with database_of(request) as address:
        made = await make_world(tmp_path / "state.db", catalog=opaque_at("bank"), address=address)
        await made.register(api("bank", BANK), api("cal", CALENDAR), OPEN)
        yield made
        await made.close()


async def active(world: World, token: str | None) -> bool:
    return (await ask(world, "bank", token)).json() != {"active": False}


async def userinfo(world: World, tokens: Tokens, token: str) -> httpx2.Response:
    return await world.http.get("/userinfo", headers={"authorization": f"{tokens.token_type} {token}"})


async def test_the_catalog_says_how_a_token_looks_and_one_opaque_audience_decides_for_all(world: World) -> None:
    """Covers: line 4 (JWT or opaque per API)."""
    bank = await world.connect(world.app())
    calendar = await world.connect(world.app(), "calendar.events")
    both = await world.connect(world.app(), "bank.transactions calendar.events")
    assert FORM.fullmatch(bank.access_token)
    assert claims_of(calendar.access_token)["aud"] == [CALENDAR]
    assert FORM.fullmatch(both.access_token)
    kept = b"".join(path.read_bytes() for path in world.path.parent.glob("state.db*"))
    assert opaque_digest(bank.access_token) in kept
    assert bank.access_token.encode() not in kept, "nobody who reads the database can present one"


@on_both("world")
async def test_introspection_tells_of_it_what_it_tells_of_a_signed_one(world: World) -> None:
    """Covers: line 4 (introspection); check 105: the binding stands in the answer."""
    key = SigningKey.generate()
    tokens = await world.connect(world.app(dpop=key), "bank.transactions calendar.events openid")
    told = (await ask(world, "bank", tokens.access_token)).json()
    assert set(told) == SAID
    assert told["cnf"] == {"jkt": key.public.thumbprint}
    assert (told["iss"], told["client_id"], told["grant_id"]) == (ISSUER, PUBLIC.id, tokens.grant_id)
    assert [one["type"] for one in told["authorization_details"]] == ["bank_data"]
    told = (await ask(world, "cal", tokens.access_token)).json()
    assert [one["type"] for one in told["authorization_details"]] == ["calendar_data"]


async def test_an_altered_or_shortened_one_is_refused_everywhere(world: World) -> None:
    """Covers: check 113."""
    tokens = await world.connect(world.app(OPEN), "bank.transactions openid")
    right = tokens.access_token
    last = "A" if right[-1] != "A" else "B"
    for wrong in (right[:-1], right[:-1] + last, right + "A", right[4:], right.upper(), f"{right} ", right + "\n"):
        assert not await active(world, wrong), wrong
        assert (await userinfo(world, tokens, wrong.strip() if wrong.strip() != right else "x")).status_code == 401
        assert (await give_back(world, SigningKey.generate(), wrong, "open")).status_code == 200
    assert await active(world, right), "giving back what is no token gives nothing back"
    assert (await userinfo(world, tokens, right)).status_code == 200


@on_both("world")
async def test_it_counts_no_longer_than_a_signed_one_and_is_forgotten_then(world: World) -> None:
    """Covers: check 112."""
    tokens = await world.connect(world.app(OPEN))
    digest = opaque_digest(tokens.access_token)
    assert digest is not None
    world.clock.pass_seconds(world.server.settings.access_lifetime - 1)
    assert await active(world, tokens.access_token)
    await world.database.write(lambda tx: tx.opaque_tokens.sweep(world.server.now()))
    assert await world.database.read(lambda tx: tx.opaque_tokens.get(digest)) is not None
    world.clock.pass_seconds(1)
    assert not await active(world, tokens.access_token)
    await world.database.write(lambda tx: tx.opaque_tokens.sweep(world.server.now() + 1))
    assert await world.database.read(lambda tx: tx.opaque_tokens.get(digest)) is None


@on_both("world")
async def test_given_back_it_is_over_and_gateways_hear_its_name_in_the_record(world: World) -> None:
    """Covers: line 4 (revocation, opaque token)."""
    tokens = await world.connect(world.app(OPEN))
    jti = (await ask(world, "bank", tokens.access_token)).json()["jti"]
    await give_back(world, SigningKey.generate(), tokens.access_token, "open")
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"]) == ("token", jti)
    assert not await active(world, tokens.access_token)


@on_both("world")
async def test_refreshing_gives_another_one_and_the_family_takes_them_all_along(world: World) -> None:
    """Covers: line 4 (refresh, opaque token); check 119."""
    app = world.app(OPEN)
    first = await world.connect(app)
    second = await app.refresh(first.refresh_token or "")
    assert FORM.fullmatch(second.access_token)
    assert first.access_token != second.access_token
    assert [await active(world, one.access_token) for one in (first, second)] == [True, True]
    await give_back(world, SigningKey.generate(), second.refresh_token, "open")
    assert [await active(world, one.access_token) for one in (first, second)] == [False, False]


@on_both("world")
async def test_it_ends_with_its_consent(world: World) -> None:
    """Covers: I3."""
    tokens = await world.connect(world.app(OPEN))
    consent, person = tokens.grant_id, world.people["ada"]
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=consent, person=person))  # type: ignore[arg-type]
    assert not await active(world, tokens.access_token)


async def test_an_agent_trades_one_for_its_own_and_only_a_whole_one(world: World) -> None:
    """Covers: line 4 (token exchange, opaque token); check 149."""
    otto = agent(subjects=("open",))
    await world.register(otto.client)
    tokens = await world.connect(world.app(OPEN))
    answer = await otto.exchange(world, tokens.access_token)
    assert answer.status_code == 200, answer.text
    mine = answer.json()["access_token"]
    assert FORM.fullmatch(mine)
    told = (await ask(world, "bank", mine)).json()
    assert told["act"] == {"sub": "otto", "sub_profile": "ai_agent", "act": {"sub": "open"}}
    assert told["lin"][0][0] == tokens.grant_id
    assert (await otto.exchange(world, tokens.access_token[:-1])).json()["error"] == "invalid_request"


async def test_callers_learn_of_it_only_as_of_any_other_token(world: World) -> None:
    """Covers: check 116: the API that it is for, and its client."""
    tokens = await world.connect(world.app(OPEN))
    assert (await ask(world, "cal", tokens.access_token)).json() == {"active": False}
    assert (await ask(world, "ledgerly", tokens.access_token, APP_KEY)).json() == {"active": False}


async def told(world: World, gateway: str, token: str) -> AccessClaims | None:
    """What this gateway is told of the token."""
    digest = opaque_digest(token)
    assert digest is not None
    return await token_for(world.server, GatewayId(gateway), digest)


async def test_gateways_are_told_of_tokens_for_their_own_apis_that_count_now(world: World) -> None:
    """Covers: line 4 (opaque); idea 5: a gateway learns nothing of other APIs."""
    tokens = await world.connect(world.app(OPEN))
    claims = await told(world, "bank", tokens.access_token)
    assert claims is not None
    assert (claims.aud, claims.grant_id, claims.gep) == ((BANK,), tokens.grant_id, 1)
    assert await told(world, "calendar", tokens.access_token) is None
    assert await told(world, "nobody", tokens.access_token) is None
    assert await told(world, "bank", "gat_" + "A" * 43) is None
    await give_back(world, SigningKey.generate(), tokens.access_token, "open")
    assert await told(world, "bank", tokens.access_token) is None


async def test_a_gateways_look_is_in_the_record_once_a_minute_and_a_miss_never(world: World) -> None:
    """Covers: check 166; whoever makes tokens up must not be able to fill the record."""
    tokens = await world.connect(world.app(OPEN))

    async def looks() -> list[str]:
        events = await world.events()
        return [str(one.detail["caller"]) for one in events if one.type is EventType.TOKEN_INTROSPECTED]

    for _ in range(3):
        await told(world, "bank", tokens.access_token)
        await told(world, "bank", "gat_" + "A" * 43)
    assert await looks() == ["gateway:bank"]
    world.clock.pass_seconds(60)
    await told(world, "bank", tokens.access_token)
    assert await looks() == ["gateway:bank"] * 2
