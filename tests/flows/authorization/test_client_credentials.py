"""A service acts for itself on a consent that an operator gave; no person is in it."""

from datetime import date
from typing import Any

import pytest

from grantline.authorization.service_grants import ServiceChange
from grantline.model.errors import InvalidConfiguration
from grantline.model.events import EventType
from grantline.model.ids import PersonId
from tests.authorization_world import PUBLIC, World
from tests.flows.authorization.raw import claims_of, post
from tests.grants_world import BANK, CALENDAR, Caller, confidential, give_service, service

ASK = {"grant_type": "client_credentials"}
BOTH = ("calendar.events", "bank.categories")
RESOURCES = [{
    "type": "bank_data", "actions": ["write"], "datatypes": ["categories"], "fields": ["category"],
    "resources": ["acc-1"],
}]  # fmt: skip


@pytest.fixture
async def reporting(world: World) -> Caller:
    """A registered service with access to events."""
    caller = service()
    await world.register(caller.client)
    await give_service(world)
    return caller


async def test_a_token_stands_on_the_consent_that_the_operator_gave(world: World, reporting: Caller) -> None:
    """Covers: line 2 (client credentials)."""
    answer = await reporting.ask(world, ASK)
    assert answer.status_code == 200, answer.text
    body, claims = answer.json(), claims_of(answer.json()["access_token"])
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(PersonId("client:reporting")))
    assert (claims["grant_id"], claims["gep"], claims["client_id"]) == (state.consent_id, 1, "reporting")
    assert (body["scope"], claims["aud"]) == ("calendar.events", [CALENDAR])
    assert "refresh_token" not in body
    assert "id_token" not in body
    assert claims["cnf"] == {"jkt": reporting.dpop.public.thumbprint if reporting.dpop else ""}
    assert [one["type"] for one in body["authorization_details"]] == ["calendar_data"]
    kinds = [event.type for event in await world.events()]
    assert EventType.CONSENT_GIVEN in kinds
    assert kinds[-1] is EventType.TOKEN_ISSUED


async def test_the_sub_of_a_service_is_no_persons(world: World, reporting: Caller) -> None:
    """Covers: check 92."""
    tokens = await world.connect(world.app())
    own = claims_of((await reporting.ask(world, ASK)).json()["access_token"])["sub"]
    assert own == "client:reporting" != claims_of(tokens.access_token)["sub"]
    # No client and no person can be given a name of that form.
    with pytest.raises(InvalidConfiguration, match="id"):
        confidential("client:x")
    people = await world.database.read(lambda tx: tx.people.by_username("ada"))
    assert people is not None
    assert not people.id.startswith("client:")


async def test_a_public_client_has_no_access_of_its_own(world: World) -> None:
    """Covers: check 92."""
    with pytest.raises(InvalidConfiguration, match="grants"):
        confidential("open", auth="none", jwks=[], grants=["client_credentials"])
    refused = await post(world, "/token", {**ASK, "client_id": PUBLIC.id}, None)
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


async def test_without_a_service_grant_there_is_nothing_to_stand_on(world: World) -> None:
    caller = service()
    await world.register(caller.client)
    refused = await caller.ask(world, ASK)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert "service grant" in refused.json()["error_description"]


async def test_resources_narrow_the_audience_and_unknown_ones_are_refused(world: World) -> None:
    """Covers: check 96."""
    caller = await _wide(world)
    whole = claims_of((await caller.ask(world, ASK)).json()["access_token"])
    assert whole["aud"] == [CALENDAR, BANK]
    one = claims_of((await caller.ask(world, {**ASK, "resource": BANK})).json()["access_token"])
    assert (one["aud"], one["grant_id"]) == ([BANK], whole["grant_id"])
    for wrong in ("https://elsewhere.example", [BANK, "https://elsewhere.example"]):
        refused = await caller.ask(world, {**ASK, "resource": wrong})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


async def test_fewer_scopes_are_a_part_that_ends_with_the_whole(world: World) -> None:
    """Covers: check 87, 148 (scope)."""
    caller = await _wide(world)
    whole = claims_of((await caller.ask(world, ASK)).json()["access_token"])
    answer = (await caller.ask(world, {**ASK, "scope": "calendar.events"})).json()
    part = claims_of(answer["access_token"])
    assert (answer["scope"], part["aud"]) == ("calendar.events", [CALENDAR])
    assert part["lin"] == [[whole["grant_id"], 1], [part["grant_id"], 1]]
    assert "act" not in part
    again = claims_of((await caller.ask(world, {**ASK, "scope": "calendar.events"})).json()["access_token"])
    assert again["grant_id"] == part["grant_id"]
    for wrong in ("bank.transactions", "calendar.events bank.transactions", "no.such"):
        refused = await caller.ask(world, {**ASK, "scope": wrong})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope"), wrong


async def test_a_revoked_service_grant_ends_through_the_feed(world: World, reporting: Caller) -> None:
    """Covers: I3; line 2."""
    claims = claims_of((await reporting.ask(world, ASK)).json()["access_token"])
    revoke = world.server.consents.revoke
    await world.database.write(lambda tx: revoke(tx, consent=claims["grant_id"], by="operator", why="test"))
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"], entry["cause"]) == ("grant", claims["grant_id"], "grant_revoked")
    assert (await reporting.ask(world, ASK)).json()["error"] == "invalid_grant"


async def test_declaring_again_changes_nothing_and_another_declaration_makes_a_version(
    world: World, reporting: Caller
) -> None:
    first = claims_of((await reporting.ask(world, ASK)).json()["access_token"])
    written = len(await world.events())
    assert await give_service(world) is ServiceChange.NONE
    assert len(await world.events()) == written
    more = {"scopes": ("calendar.events",), "authorization_details": tuple(RESOURCES)}
    assert await give_service(world, **more) is ServiceChange.CHANGED
    second = claims_of((await reporting.ask(world, ASK)).json()["access_token"])
    assert (second["grant_id"], second["gver"], second["gep"]) == (first["grant_id"], 2, 2)
    (entry,) = await world.endings()
    assert (entry["cause"], entry["min_epoch"]) == ("grant_superseded", 2)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"client": "nobody"}, r"^\$\.service_grants\[0\]\.client: "),
        ({"client": "budget"}, r"^\$\.service_grants\[0\]\.client: "),
        ({"purpose": "no-such"}, r"^\$\.service_grants\[0\]\.purpose: "),
        ({"purpose": "tax"}, r"^\$\.service_grants\[0\]\.purpose: "),
        ({"scopes": ("calendar.events", "no.such")}, r"^\$\.service_grants\[0\]\.scopes\[1\]: "),
        ({"scopes": ()}, r"^\$\.service_grants\[0\]\.scopes: "),
        ({"scopes": ("bank.transactions",)}, r"^\$\.service_grants\[0\]: beyond"),
        ({"scopes": ("bank.categories",)}, r"^\$\.service_grants\[0\]: name the resources"),
        ({"authorization_details": ({"type": "x"},)}, r"^\$\.service_grants\[0\]\.authorization_details\[0\]"),
        ({"expires": date(2020, 1, 1)}, r"^\$\.service_grants\[0\]\.expires: "),
        ({"expires": date(2099, 1, 1)}, r"^\$\.service_grants\[0\]\.expires: "),
    ],
)
async def test_a_wrong_declaration_names_its_place_and_gives_nothing(
    world: World, wrong: dict[str, Any], place: str
) -> None:
    await world.register(service().client)
    with pytest.raises(InvalidConfiguration, match=place):
        await give_service(world, **wrong)
    assert await world.database.read(lambda tx: tx.consents.of_person(PersonId("client:reporting"))) == ()


async def test_the_declared_end_is_the_end(world: World) -> None:
    caller = service()
    await world.register(caller.client)
    await give_service(world, expires=date(2027, 1, 20))
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(PersonId("client:reporting")))
    version = await world.database.read(lambda tx: tx.consents.version(state.consent_id, 1))
    assert version is not None
    assert version.expires_at == 1_800_489_600
    world.clock.us = (version.expires_at - 100) * 1_000_000
    assert claims_of((await caller.ask(world, ASK)).json()["access_token"])["exp"] == version.expires_at
    world.clock.pass_seconds(101)
    assert (await caller.ask(world, ASK)).json()["error"] == "invalid_grant"


async def _wide(world: World) -> Caller:
    """A service with two APIs."""
    caller = service()
    await world.register(caller.client)
    details = [{**RESOURCES[0], "purpose": "budgeting"}]
    await give_service(world, authorization_details=tuple(details))
    return caller
