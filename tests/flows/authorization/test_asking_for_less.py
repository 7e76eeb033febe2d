"""Who asks for less than a person agreed to before gets no more than that, though nobody has to be asked again."""

import json
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest

from grantline.sdk.client import Tokens
from tests.authorization_world import CONFIDENTIAL, ISSUER, World
from tests.flows.authorization.raw import claims_of
from tests.grants_world import BANK, CALENDAR, agent

WIDE = "openid profile bank.transactions bank.balances calendar.events"
APP = msgspec.structs.replace(CONFIDENTIAL, scopes=(*WIDE.split(), "bank.categories"), details=("bank_data",))
DETAIL = {"type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["amount"],
          "purpose": "budgeting", "lookback_days": 30}  # fmt: skip


@pytest.fixture(autouse=True)
async def before(world: World) -> Tokens:
    """What the person agreed to, once."""
    await world.register(APP)
    return await world.connect(world.app(APP), WIDE)


async def silently(world: World, scope: str, **more: str) -> Tokens:
    """The same app asks again; nobody is shown anything."""
    app = world.app(APP)
    begun = await app.begin(scope=scope, **more)
    location = str((await world.browse(begun.url)).headers["location"])
    assert "code" in parse_qs(urlsplit(location).query), location
    return await app.finish(begun, location)


def datatypes(tokens: Tokens) -> set[str]:
    return {name for one in tokens.authorization_details for name in one["datatypes"]}


async def test_a_token_holds_what_its_scope_names_and_nothing_else(world: World, before: Tokens) -> None:
    """Covers: check 41, 95; RFC 6749 §3.3 (the scope of a token is what it is good for)."""
    less = await silently(world, "bank.balances")
    claims = claims_of(less.access_token)
    assert (less.scope, claims["scope"], claims["aud"], datatypes(less)) == (
        "bank.balances", "bank.balances", [BANK], {"accounts"},
    )  # fmt: skip
    # Gateways hold it against what it is a part of, and the client knows it by the name of the whole.
    assert claims["lin"] == [[before.grant_id, 1], [claims["grant_id"], 1]]
    assert less.grant_id == before.grant_id
    assert datatypes(before) == {"accounts", "transactions", "events"}


async def test_refreshes_of_it_hold_no_more(world: World) -> None:
    """Covers: check 87."""
    less = await silently(world, "bank.balances calendar.events")
    again = await world.app(APP).refresh(less.refresh_token or "")
    assert claims_of(again.access_token)["grant_id"] == claims_of(less.access_token)["grant_id"]
    assert (set(again.scope.split()), datatypes(again)) == (
        {"bank.balances", "calendar.events"}, {"accounts", "events"},
    )  # fmt: skip
    least = await world.app(APP).refresh(again.refresh_token or "", scope="bank.balances")
    assert datatypes(least) == {"accounts"}


async def test_who_exchanges_it_gets_no_more_of_it(world: World) -> None:
    """Covers: check 148 (the scope of the token at hand, not all that its client may do)."""
    otto = agent(subjects=(APP.id,))
    await world.register(otto.client)
    less = await silently(world, "bank.balances")
    passed = (await otto.exchange(world, less.access_token)).json()
    assert passed["scope"] == "bank.balances"
    assert [one["datatypes"] for one in passed["authorization_details"]] == [["accounts"]]
    assert (await otto.exchange(world, less.access_token, resource=CALENDAR)).json()["error"] == "invalid_target"


async def test_what_it_may_tell_of_the_person_goes_along(world: World) -> None:
    """Covers: check 120; OIDC Core §5.4."""
    told = await _userinfo(world, await silently(world, "openid profile bank.balances"))
    assert told["name"] == "Ada"
    assert "name" not in await _userinfo(world, await silently(world, "openid bank.balances"))


async def _userinfo(world: World, tokens: Tokens) -> dict[str, str]:
    answer: httpx2.Response = await world.http.get(
        ISSUER + "/userinfo", headers={"authorization": f"Bearer {tokens.access_token}"}
    )
    found: dict[str, str] = answer.json()
    return found


async def test_fewer_scopes_with_details_besides_are_a_question_of_their_own(world: World) -> None:
    """Covers: check 41: no part by names of scopes would be just this, so the person is asked."""
    begun = await world.app(APP).begin(scope="bank.balances", authorization_details=json.dumps([DETAIL]))
    location = str((await world.browse(begun.url)).headers["location"])
    assert location.startswith("/consent/")
    less = await world.app(APP).finish(begun, await world.allow(begun))
    assert datatypes(less) == {"accounts", "transactions"}
    assert {tuple(one["fields"]) for one in less.authorization_details} == {("balance",), ("amount",)}


async def test_details_alone_are_a_question_of_their_own(world: World) -> None:
    """Covers: check 41: what a client names by details alone is no part by names of scopes either."""
    begun = await world.app(APP).begin(scope="", authorization_details=json.dumps([DETAIL]))
    location = str((await world.browse(begun.url)).headers["location"])
    assert location.startswith("/consent/")
    less = await world.app(APP).finish(begun, await world.allow(begun))
    assert datatypes(less) == {"transactions"}
    assert [one["fields"] for one in less.authorization_details] == [["amount"]]
