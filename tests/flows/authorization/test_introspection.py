"""Who may know whether a token is good; and giving tokens back."""

from typing import Any

import httpx2
import msgspec
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.model.events import EventType
from grantline.model.ids import ConsentId
from grantline.parties import read_client
from grantline.sdk.client import Prover, Tokens
from tests.authorization_world import APP_KEY, CONFIDENTIAL, ISSUER, PUBLIC, World
from tests.flows.authorization.raw import FORM, claims_of, post
from tests.postgres_server import on_both

BANK_KEY = SigningKey.generate()


def api(name: str, resource: str) -> Any:
    """An API as a client: it stands for one resource."""
    return read_client(
        {
            "id": name, "name": name.title(), "publisher": "Bank", "web": "https://bank.example", "kind": "service",
            "auth": "private_key_jwt", "jwks": [BANK_KEY.public.jwk], "grants": [], "audience": [resource],
        }
    )  # fmt: skip


@pytest.fixture
async def tokens(world: World) -> Tokens:
    await world.register(api("bank", "https://bank.example/api"), api("cal", "https://calendar.example/api"))
    return await world.connect(world.app(), "bank.transactions calendar.events openid")


async def ask(
    world: World, caller: str, token: str | None, key: SigningKey = BANK_KEY, path: str = "/introspect"
) -> httpx2.Response:
    proving = Prover(caller, None, key, world.clock, world.server.randomness).client_parameters(ISSUER)
    form = {"token": token, **proving}
    return await world.http.post(path, data={k: v for k, v in form.items() if v is not None})


@on_both("world")
async def test_an_api_learns_of_tokens_for_itself_and_of_its_own_part(world: World, tokens: Tokens) -> None:
    """Covers: line 3; check 105, 116; CONSENT.md row RFC 9396."""
    answer = (await ask(world, "bank", tokens.access_token)).json()
    claims = claims_of(tokens.access_token)
    assert answer["active"] is True
    for name in ("sub", "client_id", "exp", "iat", "jti", "scope", "grant_id", "gver", "gep", "seq", "pur", "fam"):
        assert answer[name] == claims[name]
    assert answer["cnf"] == claims["cnf"]
    assert answer["token_type"] == "DPoP"
    assert [detail["type"] for detail in answer["authorization_details"]] == ["bank_data"]
    other = (await ask(world, "cal", tokens.access_token)).json()
    assert [detail["type"] for detail in other["authorization_details"]] == ["calendar_data"]


async def test_others_learn_nothing_and_nobody_learns_why(world: World, tokens: Tokens) -> None:
    """Covers: check 113, 116, 117."""
    only_calendar = await world.app().begin(scope="calendar.events")
    app = world.app()
    begun = await app.begin(scope="calendar.events", prompt="consent")
    calendar = await app.finish(begun, await world.allow(begun))
    inactive = {"active": False}
    assert (await ask(world, "bank", calendar.access_token)).json() == inactive
    assert (await ask(world, CONFIDENTIAL.id, tokens.access_token, APP_KEY)).json() == inactive
    assert (await ask(world, "bank", tokens.access_token[:-1])).json() == inactive
    assert (await ask(world, "bank", tokens.id_token)).json() == inactive
    assert (await ask(world, "bank", "nonsense")).json() == inactive
    world.clock.pass_seconds(301)
    assert (await ask(world, "bank", tokens.access_token)).json() == inactive
    assert only_calendar


async def test_callers_have_to_prove_themselves(world: World, tokens: Tokens) -> None:
    """Covers: check 116."""
    answer = await post(world, "/introspect", {"client_id": PUBLIC.id, "token": tokens.access_token})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await ask(world, "bank", tokens.access_token, SigningKey.generate())).status_code == 401
    assert (await ask(world, "bank", None)).json()["error"] == "invalid_request"


async def test_a_withdrawn_consent_makes_its_tokens_inactive_at_once(world: World, tokens: Tokens) -> None:
    """Covers: check 52."""
    consent, person = tokens.grant_id, world.people["ada"]
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=consent, person=person))  # type: ignore[arg-type]
    assert (await ask(world, "bank", tokens.access_token)).json() == {"active": False}


async def test_a_narrower_version_makes_earlier_tokens_inactive(world: World) -> None:
    """Covers: ARCHITECTURE.md idea 2 (epochs); check 52."""
    await world.register(api("bank", "https://bank.example/api"))
    app = world.app()
    tokens = await app.finish(begun := await app.begin(scope="bank.transactions"), await world.allow(begun))
    consents, catalog, person = world.server.consents, world.server.catalog(), world.people["ada"]

    async def narrow(tx: Any) -> None:
        _, version = await consents.require_active(tx, consent=ConsentId(tokens.grant_id))
        (item,) = version.granted
        await consents.amend(
            tx,
            catalog=catalog,
            consent=ConsentId(tokens.grant_id),
            person=person,
            granted=(msgspec.structs.replace(item, fields=item.fields[:1]),),
            expires_at=version.expires_at,
            ceremony=msgspec.structs.replace(version.ceremony, id="another"),
        )

    await world.database.write(narrow)
    assert (await ask(world, "bank", tokens.access_token)).json() == {"active": False}
    newer = await app.refresh(tokens.refresh_token or "")
    assert (claims_of(newer.access_token)["gver"], claims_of(newer.access_token)["gep"]) == (2, 2)
    assert (await ask(world, "bank", newer.access_token)).json()["active"] is True


@on_both("world")
async def test_one_event_for_each_caller_grant_and_minute_and_refusals_singly(world: World, tokens: Tokens) -> None:
    """Covers: ARCHITECTURE.md "Numbers to hold" (introspection)."""

    async def count() -> int:
        return sum(event.type is EventType.TOKEN_INTROSPECTED for event in await world.events())

    for _ in range(3):
        await ask(world, "bank", tokens.access_token)
    assert await count() == 1
    await ask(world, "cal", tokens.access_token)
    assert await count() == 2
    world.clock.pass_seconds(60)
    await ask(world, "bank", tokens.access_token)
    assert await count() == 3
    for _ in range(3):
        await ask(world, "bank", "nonsense")
    assert await count() == 6


async def test_a_client_learns_of_its_own_refresh_token(world: World) -> None:
    """Covers: check 116."""
    tokens = await world.connect(world.app(CONFIDENTIAL))
    answer = (await ask(world, CONFIDENTIAL.id, tokens.refresh_token, APP_KEY)).json()
    assert answer["active"] is True
    assert answer["grant_id"] == tokens.grant_id
    await world.register(api("bank", "https://bank.example/api"))
    assert (await ask(world, "bank", tokens.refresh_token)).json() == {"active": False}


async def give_back(world: World, app_key: SigningKey, token: str | None, client: str = PUBLIC.id) -> httpx2.Response:
    return await post(world, "/revoke", {"client_id": client, "token": token}, app_key)


@on_both("world")
async def test_an_access_token_given_back_is_over_and_gateways_hear_of_it(world: World, tokens: Tokens) -> None:
    """Covers: line 3 (revocation stops issued JWTs through the feed)."""
    answer = await give_back(world, SigningKey.generate(), tokens.access_token)
    assert answer.status_code == 200
    claims = claims_of(tokens.access_token)
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"]) == ("token", claims["jti"])
    assert entry["until"] >= claims["exp"]
    assert (await ask(world, "bank", tokens.access_token)).json() == {"active": False}
    await give_back(world, SigningKey.generate(), tokens.access_token)
    assert len(await world.endings()) == 1
    assert [e.type for e in await world.events()].count(EventType.TOKEN_REVOKED) == 1


@on_both("world")
async def test_a_refresh_token_given_back_takes_its_access_tokens_along(world: World, tokens: Tokens) -> None:
    """Covers: line 3; check 119."""
    assert (await give_back(world, SigningKey.generate(), tokens.refresh_token)).status_code == 200
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"]) == ("family", claims_of(tokens.access_token)["fam"])
    assert (await ask(world, "bank", tokens.access_token)).json() == {"active": False}
    kinds = [event.type for event in await world.events()]
    assert EventType.FINDING not in kinds
    assert EventType.CONSENT_REVOKED not in kinds


async def test_another_clients_token_stays_and_the_answer_is_the_same(world: World, tokens: Tokens) -> None:
    """Covers: check 118."""
    await world.register(msgspec.structs.replace(PUBLIC, id="other"))
    for token in (tokens.access_token, tokens.refresh_token, "nonsense"):
        assert (await give_back(world, SigningKey.generate(), token, "other")).status_code == 200
    assert await world.endings() == []
    assert (await ask(world, "bank", tokens.access_token)).json()["active"] is True


async def test_forms_only(world: World) -> None:
    """Covers: check 94, 121."""
    for path in ("/introspect", "/revoke", "/token"):
        assert (await world.http.post(path, json={})).json()["error"] == "invalid_request"
        assert (await world.http.get(path)).status_code == 405
        query = await world.http.post(f"{path}?token=x", content="token=x", headers={"content-type": FORM})
        assert query.json()["error"] == "invalid_request"
