"""What a person may share is asked of the API through its gateway, under a consent that the operator gave."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from grantline.authorization import GatewayResourceLists, appoint
from grantline.crypto.es256 import verify_jws
from grantline.model.errors import TemporarilyUnavailable
from grantline.model.events import EventType
from grantline.model.ids import ApiId
from tests.authorization_world import World
from tests.flows.authorization.raw import claims_of

BANK = ApiId("bank")
LISTED = {
    "resources": [
        {"id": "a-1", "label": "Everyday", "available": True},
        {"id": "a-2", "label": "Closed", "available": False, "reason": "closed"},
    ]
}


def lists(world: World, answer: Callable[[httpx2.Request], httpx2.Response]) -> GatewayResourceLists:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return GatewayResourceLists(lambda: world.server, http, {BANK: "http://127.0.0.1:1/bank"})


async def test_the_call_carries_a_token_on_the_operators_own_consent(world: World) -> None:
    """Covers: ARCHITECTURE.md "The upstream" (resource lists)."""
    (consent,) = await appoint(world.server, world.server.catalog())
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=LISTED)

    asking = lists(world, answer)
    choices = await asking.of(BANK, "b/ada?x")
    assert [(one.id, one.available, one.reason) for one in choices] == [("a-1", True, None), ("a-2", False, "closed")]
    assert str(seen[0].url) == "http://127.0.0.1:1/bank/owners/b%2Fada%3Fx/accounts"
    token = seen[0].headers["authorization"].removeprefix("Bearer ")
    verify_jws(token, world.server.keys.find, "at+jwt")
    claims = claims_of(token)
    assert claims["grant_id"] == consent
    assert claims["aud"] == ["https://bank.example/api"]
    assert claims["pur"] == ["account-selection"]
    assert "cnf" not in claims
    issued = [event for event in await world.events() if event.type is EventType.TOKEN_ISSUED]
    assert [event.consent for event in issued] == [consent]
    await asking.of(BANK, "b-ada")
    assert seen[1].headers["authorization"] == seen[0].headers["authorization"]
    world.clock.pass_seconds(280)
    await asking.of(BANK, "b-ada")
    assert seen[2].headers["authorization"] != seen[0].headers["authorization"]


async def test_the_operators_consent_is_given_once_and_renewed_before_it_ends(world: World) -> None:
    """Covers: line 8 (apply is idempotent)."""
    (first,) = await appoint(world.server, world.server.catalog())
    events = len(await world.events())
    assert await appoint(world.server, world.server.catalog()) == ()
    assert len(await world.events()) == events
    world.clock.pass_seconds(340 * 86_400)
    (second,) = await appoint(world.server, world.server.catalog())
    assert first != second
    state = await world.database.read(lambda tx: tx.consents.get(first))
    assert state is not None
    assert state.status == "revoked"


async def test_nobody_can_use_the_operators_client(world: World) -> None:
    """Covers: check 92; the operator's consent has no way in through an endpoint."""
    await appoint(world.server, world.server.catalog())
    for form in (
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "operator"},
        {"grant_type": "authorization_code", "code": "A" * 43, "code_verifier": "v" * 43, "client_id": "operator"},
    ):
        answer = await world.http.post("/token", data=form)
        assert answer.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(503),
        httpx2.Response(302, headers={"location": "http://169.254.169.254/"}),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(200, json={"accounts": []}),
        httpx2.Response(200, json={"resources": [LISTED["resources"][0]] * 2}),
        httpx2.Response(200, content=b" " * 300_000),
    ],
    ids=str,
)
async def test_a_wrong_answer_means_not_now_never_an_empty_choice(world: World, answer: Any) -> None:
    """Covers: bad input (from an API)."""
    await appoint(world.server, world.server.catalog())
    with pytest.raises(TemporarilyUnavailable):
        await lists(world, lambda _: answer).of(BANK, "b-ada")


async def test_without_the_operators_consent_nothing_is_asked(world: World) -> None:
    """Covers: ARCHITECTURE.md idea 1 (a client acting for itself holds a consent)."""

    def never(_: httpx2.Request) -> httpx2.Response:
        raise AssertionError("asked without a consent")

    with pytest.raises(TemporarilyUnavailable):
        await lists(world, never).of(BANK, "b-ada")


async def test_a_gateway_that_has_only_just_started_is_asked_again(world: World) -> None:
    answers = iter([httpx2.Response(503), httpx2.Response(503), httpx2.Response(200, json={"resources": []})])
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers["authorization"])
        return next(answers)

    await appoint(world.server, world.server.catalog())
    assert await lists(world, answer).of(BANK, "owner-1") == ()
    assert len(asked) == 3
    assert len(set(asked)) == 1
