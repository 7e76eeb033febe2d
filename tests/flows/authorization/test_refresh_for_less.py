"""A refresh may ask for less than was given; the refresh token stays good for everything (RFC 6749 §6)."""

import json

import msgspec
import pytest

from grantline.sdk.client import AccessRefused, Tokens
from tests.authorization_world import CONFIDENTIAL, ISSUER, PUBLIC, World
from tests.flows.authorization.raw import claims_of
from tests.grants_world import BANK, CALENDAR

WIDE = "openid bank.transactions bank.balances calendar.events"


def refresh_of(tokens: Tokens) -> str:
    assert tokens.refresh_token is not None
    return tokens.refresh_token


@pytest.fixture
async def wide(world: World) -> Tokens:
    """Access to two APIs, and to who the person is."""
    return await world.connect(world.app(BEARER), scope=WIDE)


BEARER = msgspec.structs.replace(CONFIDENTIAL, scopes=(*WIDE.split(), "bank.categories"), details=("bank_data",))


@pytest.fixture(autouse=True)
async def _registered(world: World) -> None:
    await world.register(BEARER)


async def test_a_refresh_for_fewer_scopes_gives_a_token_for_these_alone(world: World, wide: Tokens) -> None:
    """Covers: RFC 6749 §6 (scope); RFC 9700 §2.3."""
    app = world.app(BEARER)
    less = await app.refresh(refresh_of(wide), scope="bank.balances")
    whole, part = claims_of(wide.access_token), claims_of(less.access_token)
    assert (less.scope, part["scope"], part["aud"]) == ("bank.balances", "bank.balances", [BANK])
    assert {one["datatypes"][0] for one in less.authorization_details} == {"accounts"}
    # Gateways hold it against what it is a part of: it ends with the whole.
    assert part["lin"] == [[whole["grant_id"], 1], [part["grant_id"], 1]]
    assert part["fam"] == whole["fam"]
    again = await app.refresh(refresh_of(less))
    assert (again.scope, claims_of(again.access_token)["grant_id"]) == (WIDE, whole["grant_id"])


async def test_the_answer_names_the_grant_that_the_client_knows(world: World, wide: Tokens) -> None:
    """Covers: Grant Management §5.5: the grant's id is that of the consent, whatever part of it the token is for."""
    less = await world.app(BEARER).refresh(refresh_of(wide), scope="bank.balances")
    assert less.grant_id == wide.grant_id == claims_of(wide.access_token)["grant_id"]


async def test_details_and_resources_narrow_alike(world: World, wide: Tokens) -> None:
    """Covers: RFC 9396 §6.1; RFC 8707 §2.2."""
    app = world.app(BEARER)
    detail = {"type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["amount"],
              "purpose": "budgeting"}  # fmt: skip
    less = await app.refresh(refresh_of(wide), authorization_details=json.dumps([detail]))
    assert [(one["datatypes"], one["fields"]) for one in less.authorization_details] == [(["transactions"], ["amount"])]
    there = await app.refresh(refresh_of(less), resource=CALENDAR)
    assert (claims_of(there.access_token)["aud"], there.scope) == ([CALENDAR], WIDE)


async def test_a_refresh_about_the_person_alone_reaches_no_api(world: World, wide: Tokens) -> None:
    """Covers: RFC 6749 §6."""
    less = await world.app(BEARER).refresh(refresh_of(wide), scope="openid")
    claims = claims_of(less.access_token)
    assert (claims["aud"], claims["grant_id"], claims.get("pur", [])) == ([ISSUER], wide.grant_id, [])
    assert less.authorization_details == ()
    assert less.id_token is not None
    apis = await world.app(BEARER).refresh(refresh_of(less), scope="bank.balances")
    assert apis.id_token is None


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"scope": "bank.balances bank.categories"}, "invalid_scope"),
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_target"),
        ({"scope": "bank.balances", "resource": CALENDAR}, "invalid_scope"),
        ({"scope": "openid", "resource": BANK}, "invalid_target"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"authorization_details": "{"}, "invalid_request"),
        (
            {
                "authorization_details": json.dumps([{
                    "type": "bank_data", "actions": ["write"], "datatypes": ["categories"], "fields": ["category"],
                    "purpose": "budgeting",
                }])
            },
            "invalid_authorization_details",
        ),
    ],
)  # fmt: skip
async def test_a_refresh_never_widens(world: World, wide: Tokens, more: dict[str, str], error: str) -> None:
    """Covers: RFC 6749 §6 (never beyond what was given), and costs no refresh token."""
    app = world.app(BEARER)
    with pytest.raises(AccessRefused, match=error):
        await app.refresh(refresh_of(wide), **more)
    assert (await app.refresh(refresh_of(wide))).scope == WIDE


async def test_what_the_person_took_back_is_in_no_later_part(world: World, wide: Tokens) -> None:
    """Covers: I3: a part is one of what stands now, not of what stood when the refresh token was made."""
    state = await world.database.read(lambda tx: tx.consents.get(wide.grant_id))
    version = await world.database.read(lambda tx: tx.consents.version(wide.grant_id, 1))
    assert state is not None
    assert version is not None
    kept = tuple(item for item in version.granted if item.datatype == "events")
    ceremony = msgspec.structs.replace(version.ceremony, id="cer_other")
    await world.database.write(
        lambda tx: world.server.consents.amend(
            tx, catalog=world.server.catalog(), consent=wide.grant_id, person=state.person, granted=kept,
            expires_at=version.expires_at, ceremony=ceremony,
        )
    )  # fmt: skip
    app = world.app(BEARER)
    with pytest.raises(AccessRefused, match="invalid_scope"):
        await app.refresh(refresh_of(wide), scope="bank.balances")
    assert (await app.refresh(refresh_of(wide), scope="calendar.events")).scope == "calendar.events"


async def test_offline_access_that_was_asked_for_is_in_the_answer_and_in_no_token(world: World) -> None:
    """Covers: OIDC Core §11; RFC 6749 §5.1: what was granted is told, when it is what was asked for."""
    app = world.app(BEARER)
    tokens = await world.connect(app, scope="bank.balances offline_access")
    assert (tokens.scope, claims_of(tokens.access_token)["scope"]) == ("bank.balances offline_access", "bank.balances")
    again = await app.refresh(refresh_of(tokens), scope="bank.balances offline_access")
    assert (again.scope, claims_of(again.access_token)["scope"]) == ("bank.balances offline_access", "bank.balances")
    assert (await app.refresh(refresh_of(again), scope="bank.balances")).scope == "bank.balances offline_access"


async def test_offline_access_is_told_only_where_there_are_refresh_tokens(world: World) -> None:
    """Covers: OIDC Core §11."""
    await world.register(msgspec.structs.replace(PUBLIC, grants=("authorization_code",)))
    tokens = await world.connect(world.app(), scope="bank.balances offline_access")
    assert (tokens.scope, tokens.refresh_token) == ("bank.balances", None)
