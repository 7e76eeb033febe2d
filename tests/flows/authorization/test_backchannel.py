"""A client asks a person who is somewhere else (OpenID CIBA Core 1.0), and polls for the answer."""

from typing import Any

import msgspec
import orjson
import pytest

from grantline.authorization import AskedElsewhere, Question, SignIn, Way
from grantline.crypto.es256 import SigningKey
from grantline.identity import PersonRow
from grantline.model.errors import Conflict, NotFound
from grantline.model.events import EventType
from tests.authorization_world import APP_KEY, ISSUER, T0, World
from tests.flows.authorization.elsewhere_flows import (
    CALLER,
    PINGED,
    SCOPE,
    TOKEN,
    allow,
    answered_call,
    ask,
    lock,
    poll,
    question,
    refuse,
    waiting_handle,
)
from tests.flows.authorization.raw import claims_of

OTHER = msgspec.structs.replace(CALLER, id="other")
STRICT = msgspec.structs.replace(CALLER, id="strict", require_request_object=True)


@pytest.fixture(autouse=True)
async def _clients(world: World) -> None:
    await world.register(CALLER, OTHER, PINGED, STRICT)


async def waiting(world: World, name: str = "ada") -> int:
    """How many requests wait for this person."""
    return len(await AskedElsewhere(world.server).waiting(world.people[name]))


async def test_a_client_gets_its_tokens_when_the_person_allowed_it_elsewhere(world: World) -> None:
    """The whole way by poll."""
    asked = await ask(world, binding_message="Order 4711")
    assert asked.status_code == 200, asked.text
    handle = asked.json()["auth_req_id"]
    assert (len(handle), asked.json()["expires_in"], asked.json()["interval"]) == (43, 300, 5)
    assert (await poll(world, handle, CALLER)).json()["error"] == "authorization_pending"
    session = await world.sign_in()
    at = await waiting_handle(world)
    assert isinstance(await world.interaction.arrive(at, session), Question)
    assert await allow(world, at, session) == f"/answered/{at}"
    assert await waiting(world) == 0
    answer = await poll(world, handle, CALLER)
    assert answer.status_code == 200, answer.text
    claims = claims_of(answer.json()["id_token"])
    assert (claims["aud"], claims["sub"]) == ("caller", claims_of(answer.json()["access_token"])["sub"])
    assert "urn:openid:params:jwt:claim:auth_req_id" not in claims
    version = await world.database.read(lambda tx: tx.consents.version(answer.json()["grant_id"], 1))
    assert version is not None
    assert version.ceremony.channel == "backchannel"


async def test_the_message_is_shown_and_a_locked_person_is_refused_at_both_ends(world: World) -> None:
    """Covers: check 145."""
    await ask(world, binding_message="Order 4711")
    (shown,) = await AskedElsewhere(world.server).waiting(world.people["ada"])
    assert (shown.message, shown.way, shown.client.name) == ("Order 4711", Way.BACKCHANNEL, CALLER.name)
    on_the_page = (await world.interaction.open(shown.handle)).elsewhere
    assert on_the_page is not None
    assert on_the_page.message == "Order 4711"
    await allow(world, shown.handle, await world.sign_in())
    allowed = await answered_call(world)

    # auth_req_id is the client's own.
    assert (await poll(world, allowed, OTHER)).json()["error"] == "invalid_grant"
    tokens = (await poll(world, allowed, CALLER)).json()
    again = await answered_call(world)
    await lock(world)
    assert (await poll(world, again, CALLER)).json()["error"] == "access_denied"
    # At the start: nobody is asked, and the client is told so only where it knew the person before.
    assert (await ask(world)).status_code == 200
    assert await waiting(world) == 0
    known = await ask(world, login_hint=None, id_token_hint=tokens["id_token"])
    assert (known.status_code, known.json()["error"]) == (400, "unknown_user_id")


async def test_a_name_that_nobody_has_is_answered_as_one_that_somebody_has(world: World) -> None:
    """Clients cannot find out who is here: same answers, same limit, and nobody is asked."""
    known, unknown = [await ask(world, login_hint=name) for name in ("ada", "nobody-at-all")]
    assert known.status_code == unknown.status_code == 200
    assert {name: type(value) for name, value in known.json().items()} == {
        name: type(value) for name, value in unknown.json().items()
    }
    # Nor by the limit, which a person's other name would share and a name of nobody's would not.
    for name in ("ada", "ada@example.org", "nobody-at-all"):
        more = [await ask(world, login_hint=name) for _ in range(4)]
        assert [one.status_code for one in more] == [200] * 4
    for asked in (known, unknown):
        handle = asked.json()["auth_req_id"]
        assert (await poll(world, handle, CALLER)).json()["error"] == "authorization_pending"
    assert await waiting(world) == 3
    world.clock.pass_seconds(300)
    for asked in (known, unknown):
        assert (await poll(world, asked.json()["auth_req_id"], CALLER)).json()["error"] == "expired_token"


async def test_an_address_names_a_person_if_it_is_only_theirs(world: World) -> None:
    """Whatever its case; of two people with one address neither is asked."""
    for name, expected in (("ada", 1), ("ben", 1)):
        row = PersonRow(world.people[name], name, name.title(), "Home@Example.org", (), {})
        await world.database.write(lambda tx, one=row: tx.people.put(one))
        assert (await ask(world, login_hint=" home@example.ORG ")).status_code == 200
        assert await waiting(world) == expected
    assert await waiting(world, "ben") == 0


async def test_nobody_is_worn_down_to_a_yes(world: World) -> None:
    """A limit for each person and client; a refusal does not make room, an agreement does, and so does time."""
    tokens = (await poll(world, await answered_call(world), CALLER)).json()
    session = world.session or await world.sign_in()
    for _ in range(3):
        assert (await ask(world)).status_code == 200
        await refuse(world, await waiting_handle(world), session)
    # One more is put to nobody, which the client cannot see; where it knew the person before, it is told.
    assert (await ask(world)).status_code == 200
    assert await waiting(world) == 0
    known = {"login_hint": None, "id_token_hint": tokens["id_token"]}
    assert (await ask(world, **known)).status_code == 429
    await ask(world, OTHER)
    await ask(world, login_hint="ben")
    assert (await waiting(world), await waiting(world, "ben")) == (1, 1)
    world.clock.pass_seconds(301)
    world.session = await world.sign_in()
    for _ in range(4):
        await answered_call(world)
    assert (await ask(world, **known)).status_code == 200


@pytest.mark.parametrize("looking", [True, False])
async def test_refusing_is_told_as_access_denied(world: World, looking: bool) -> None:
    asked = await ask(world)
    handle, session = await waiting_handle(world), await world.sign_in()
    await (refuse(world, handle, session) if looking else world.interaction.decline(handle, session))
    with pytest.raises(Conflict):
        await world.interaction.decline(handle, session)
    assert EventType.CONSENT_REFUSED in [event.type for event in await world.events()]
    answer = await poll(world, asked.json()["auth_req_id"], CALLER)
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")


async def test_another_person_cannot_answer_it(world: World) -> None:
    await ask(world)
    handle, ben = await waiting_handle(world), await world.sign_in("ben")
    with pytest.raises(NotFound):
        await world.interaction.arrive(handle, ben)
    with pytest.raises(NotFound):
        await world.look(handle, ben)
    with pytest.raises(NotFound):
        await AskedElsewhere(world.server).confirm(handle, ben)
    assert await waiting(world, "ben") == 0


async def test_an_auth_req_id_is_slowed_and_used_once(world: World) -> None:
    handle = (await ask(world)).json()["auth_req_id"]
    assert (await poll(world, handle, CALLER)).json()["error"] == "authorization_pending"
    assert (await poll(world, handle, CALLER)).json()["error"] == "slow_down"
    await allow(world, await waiting_handle(world), await world.sign_in())
    assert (await poll(world, handle, CALLER)).status_code == 200
    assert (await poll(world, handle, CALLER)).json()["error"] == "invalid_grant"
    findings = [event.rsn for event in await world.events() if event.type is EventType.FINDING]
    assert findings == ["auth_req_id_replayed"]


async def test_a_level_of_sign_in_is_asked_for_as_anywhere(world: World) -> None:
    """acr_values (CIBA §7.1)."""
    await ask(world, acr_values="phr")
    arrived = await world.interaction.arrive(await waiting_handle(world), await world.sign_in())
    assert arrived == SignIn(("phr",))


async def test_an_id_token_of_before_names_the_person(world: World) -> None:
    """An ID token of another client, and anything else, does not."""
    await world.register(CALLER)
    tokens = (await poll(world, await answered_call(world), CALLER)).json()
    assert (await ask(world, login_hint=None, id_token_hint=tokens["id_token"])).status_code == 200
    assert await waiting(world) == 1
    for wrong in (tokens["access_token"], "x.y.z"):
        answer = await ask(world, login_hint=None, id_token_hint=wrong)
        assert answer.json()["error"] == "invalid_request"
    assert (await ask(world, OTHER, login_hint=None, id_token_hint=tokens["id_token"])).json()["error"] == (
        "invalid_request"
    )


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"scope": "bank.transactions"}, 400, "invalid_scope"),
        ({"scope": "openid calendar.events"}, 400, "invalid_scope"),
        ({"login_hint": None}, 400, "invalid_request"),
        ({"id_token_hint": "x.y.z"}, 400, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x.y.z"}, 400, "invalid_request"),
        ({"binding_message": "x" * 65}, 400, "invalid_binding_message"),
        ({"binding_message": "Order <b>4711</b>"}, 400, "invalid_binding_message"),
        ({"binding_message": "Order \u202e4711"}, 400, "invalid_binding_message"),
        ({"binding_message": "line\nbreak"}, 400, "invalid_binding_message"),
        ({"requested_expiry": "0"}, 400, "invalid_request"),
        ({"requested_expiry": "soon"}, 400, "invalid_request"),
        ({"client_notification_token": TOKEN}, 400, "invalid_request"),
        ({"request_uri": "urn:x"}, 400, "invalid_request"),
        ({"client_assertion": "x.y.z"}, 401, "invalid_client"),
    ],
)
async def test_what_a_backchannel_request_has_to_be_like(
    world: World, changes: dict[str, Any], status: int, error: str
) -> None:
    """CIBA §7.2, §13."""
    answer = await ask(world, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert await waiting(world) == 0


async def test_a_client_decides_how_long_it_waits_within_our_bound(world: World) -> None:
    assert (await ask(world, requested_expiry="60")).json()["expires_in"] == 60
    assert (await ask(world, requested_expiry="86400")).json()["expires_in"] == 1_800


async def test_requests_that_are_soon_over_are_no_way_round_the_bound(world: World) -> None:
    """Covers: check 145 (nobody is worn down to a yes by many short requests)."""
    assert (await ask(world, requested_expiry="1")).json()["expires_in"] == 60
    for _ in range(5):
        world.clock.pass_seconds(2)
        await ask(world, requested_expiry="1")
    assert await waiting(world) == 3


async def test_a_key_proven_at_the_start_is_needed_at_the_end(world: World) -> None:
    key = SigningKey.generate()
    asked = await ask(world, key=key)
    await allow(world, await waiting_handle(world), await world.sign_in())
    handle = asked.json()["auth_req_id"]
    assert (await poll(world, handle, CALLER)).json()["error"] == "invalid_grant"
    assert (await poll(world, handle, CALLER, key)).json()["token_type"] == "DPoP"


async def test_the_question_is_the_ordinary_one(world: World) -> None:
    """Same lines, accounts and durations; and the answer is the same value."""
    await ask(world)
    offer = await question(world, await waiting_handle(world), await world.sign_in())
    assert offer.lines
    assert [group.api for group in offer.resources] == ["bank"]
    assert offer.durations


# Signed requests


def signed(client: str = STRICT.id, **changes: Any) -> str:
    """A signed backchannel request; None leaves a claim out."""
    claims = {
        "iss": client, "aud": ISSUER, "iat": T0, "nbf": T0, "exp": T0 + 300, "jti": "once", "scope": SCOPE,
        "login_hint": "ada", "requested_expiry": 120, **changes,
    }  # fmt: skip
    return APP_KEY.sign_jws(orjson.dumps({name: value for name, value in claims.items() if value is not None}), "JWT")


async def sends(world: World, request: str, **changes: Any) -> Any:
    """Send it, with nothing beside it."""
    return await ask(world, STRICT, scope=None, login_hint=None, request=request, **changes)


async def test_a_client_that_signs_its_requests_has_to(world: World) -> None:
    """CIBA §7.1.1."""
    assert (await ask(world, STRICT)).json()["error"] == "invalid_request"
    asked = await sends(world, signed())
    assert (asked.status_code, asked.json()["expires_in"]) == (200, 120)
    assert await waiting(world) == 1
    again = await sends(world, signed())
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request_object")
    assert await waiting(world) == 1


@pytest.mark.parametrize("lacks", ["iss", "aud", "exp", "iat", "nbf", "jti"])
async def test_a_signed_request_says_who_for_whom_when_and_once(world: World, lacks: str) -> None:
    answer = await sends(world, signed(**{lacks: None}))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


async def test_nothing_stands_beside_a_signed_request_and_it_does_not_last(world: World) -> None:
    assert (await sends(world, signed(), binding_message="x")).json()["error"] == "invalid_request"
    assert (await sends(world, signed(exp=T0 + 3_601))).json()["error"] == "invalid_request_object"
    assert (await sends(world, signed("other"))).json()["error"] == "invalid_request_object"
    assert await waiting(world) == 0
