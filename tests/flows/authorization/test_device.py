"""A device asks, somebody answers on another one (RFC 8628)."""

import re

import msgspec
import pytest

from grantline.authorization import AskedElsewhere, Found, NotFoundHere, Question, TooManyTries, Way
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import NotFound
from grantline.model.events import EventType
from grantline.model.ids import PersonId
from grantline.parties import AuthMethod, Client
from tests.authorization_world import APP_KEY, ISSUER, World
from tests.flows.authorization.elsewhere_flows import (
    DEVICE_GRANT,
    TV,
    allow,
    answered_device,
    begin,
    confirmed,
    lock,
    poll,
    question,
    refuse,
    send,
    typed,
)
from tests.flows.authorization.raw import claims_of

TV_2 = msgspec.structs.replace(TV, id="tv-2")
PROVEN = msgspec.structs.replace(TV, id="proven", auth=AuthMethod.PRIVATE_KEY_JWT, jwks=(APP_KEY.public.jwk,))


@pytest.fixture(autouse=True)
async def _tv(world: World) -> None:
    await world.register(TV)


async def test_a_device_gets_its_tokens_when_somebody_allowed_it_elsewhere(world: World) -> None:
    """The whole way: two codes, a question on another device, tokens that stand on a consent and refresh."""
    begun = (await begin(world)).json()
    assert begun["verification_uri"] == f"{ISSUER}/device"
    assert begun["verification_uri_complete"] == f"{ISSUER}/device?user_code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert (await poll(world, begun["device_code"])).json()["error"] == "authorization_pending"
    handle, session = await confirmed(world, begun["user_code"])
    assert await allow(world, handle, session) == f"/answered/{handle}"
    told = await world.interaction.outcome(handle, session)
    assert told is not None
    assert (told.what, told.way) == ("allowed", Way.DEVICE)

    answer = await poll(world, begun["device_code"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["grant_id"], body["scope"]) == (told.consent, "openid bank.transactions")
    assert claims_of(body["id_token"])["sub"] == claims_of(body["access_token"])["sub"]
    assert "sid" not in claims_of(body["id_token"])
    form = {"client_id": TV.id, "grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert (await send(world, "/token", form)).status_code == 200
    version = await world.database.read(lambda tx: tx.consents.version(told.consent, 1))  # type: ignore[arg-type]
    assert version is not None
    assert version.ceremony.channel == "device"


async def test_a_user_code_is_hard_to_guess_and_easy_to_type(world: World) -> None:
    """Covers: check 139."""
    seen = {(await begin(world)).json()["user_code"] for _ in range(20)}
    assert len(seen) == 20
    for code in seen:
        assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code)
    # 20^8 codes against the 15 tries that the throttle leaves while one lives: see test_user_codes for both.
    code = seen.pop()
    handle = await typed(world, code)
    for same in (code.lower(), code.replace("-", ""), f" {code[:2]}-{code[2:].swapcase()} ", code.replace("-", " ")):
        assert await typed(world, same) == handle


async def test_wrong_codes_are_slowed_for_the_person_and_for_the_address(world: World) -> None:
    """Covers: check 140."""
    asked, person, other = AskedElsewhere(world.server), world.people["ada"], world.people["ben"]
    code = (await begin(world)).json()["user_code"]
    for number in range(5):
        assert await asked.look_up("BBBB-BBBB", person, f"198.51.100.{number}") == NotFoundHere()
    slowed = await asked.look_up(code, person, "198.51.100.99")
    assert slowed == TooManyTries(1)
    for number in range(5):
        assert await asked.look_up("not even a code", PersonId(f"p_{number}"), "203.0.113.5") == NotFoundHere()
    assert await asked.look_up(code, other, "203.0.113.5") == TooManyTries(1)
    assert isinstance(await asked.look_up(code, other, "203.0.113.6"), Found)
    world.clock.pass_seconds(2)
    # A right code does not start the count anew.
    assert not isinstance(await asked.look_up(code, person, "198.51.100.98"), TooManyTries)
    await asked.look_up("BBBB-BBBB", person, "198.51.100.97")
    assert await asked.look_up(code, person, "198.51.100.96") == TooManyTries(2)


async def test_a_link_to_a_request_answers_nothing_until_its_code_was_compared(world: World) -> None:
    """Covers: check 141. The consent page is closed to who did not say that the device is theirs, and so are others."""
    begun = (await begin(world)).json()
    handle, session = await typed(world, begun["user_code"]), await world.sign_in()
    with pytest.raises(NotFound):
        await world.interaction.arrive(handle, session)
    with pytest.raises(NotFound):
        await world.look(handle, session)
    assert (await poll(world, begun["device_code"])).json()["error"] == "authorization_pending"

    asked = AskedElsewhere(world.server)
    shown = await asked.compare(handle)
    assert (shown.code, shown.client.name, shown.address) == (begun["user_code"], TV.name, "127.0.0.1")
    assert "transactions" in "".join(span.text for span in shown.wants)
    await asked.confirm(handle, session)
    assert isinstance(await world.interaction.arrive(handle, session), Question)
    ben = await world.sign_in("ben")
    with pytest.raises(NotFound):
        await asked.confirm(handle, ben)
    with pytest.raises(NotFound):
        await world.look(handle, ben)


async def test_a_device_code_is_bound_slowed_and_used_once(world: World) -> None:
    """Covers: check 142."""
    await world.register(TV_2)
    begun = (await begin(world)).json()
    device = begun["device_code"]
    foreign = await poll(world, device, TV_2)
    assert foreign.json()["error"] == "invalid_grant"
    assert (await poll(world, device)).json()["error"] == "authorization_pending"
    # Who is not meant cannot slow the device down, the device itself can, by five seconds each time.
    assert (await poll(world, device, TV_2)).json()["error"] == "invalid_grant"
    world.clock.pass_seconds(4)
    assert (await poll(world, device)).json()["error"] == "slow_down"
    world.clock.pass_seconds(9)
    assert (await poll(world, device)).json()["error"] == "slow_down"
    world.clock.pass_seconds(15)
    assert (await poll(world, device)).json()["error"] == "authorization_pending"
    await allow(world, *await confirmed(world, begun["user_code"]))
    assert (await poll(world, device, TV_2)).json()["error"] == "invalid_grant"
    first = await poll(world, device)
    assert first.status_code == 200
    assert (await poll(world, device, TV_2)).json()["error"] == "invalid_grant"
    refresh = {"client_id": TV.id, "grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    again = await send(world, "/token", refresh)
    assert again.status_code == 200
    assert (await poll(world, device)).json()["error"] == "invalid_grant"
    ended = await send(world, "/token", {**refresh, "refresh_token": again.json()["refresh_token"]})
    assert ended.json()["error"] == "invalid_grant"
    findings = [event.rsn for event in await world.events() if event.type is EventType.FINDING]
    assert findings == ["device_code_replayed"]

    late = (await begin(world)).json()
    world.clock.pass_seconds(600)
    assert (await poll(world, late["device_code"])).json()["error"] == "expired_token"


async def test_who_declines_ends_it_as_access_denied(world: World) -> None:
    """Covers: check 143."""
    begun = (await begin(world)).json()
    handle, session = await confirmed(world, begun["user_code"])
    assert await refuse(world, handle, session) == f"/answered/{handle}"
    for _ in range(2):
        answer = await poll(world, begun["device_code"])
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    assert EventType.CONSENT_REFUSED in [event.type for event in await world.events()]


@pytest.mark.parametrize("client", [TV, PROVEN], ids=lambda client: client.id)
async def test_the_same_device_asks_again_every_time(world: World, client: Client) -> None:
    """Covers: check 144. Also where this very question was answered before, and by a client that proves itself."""
    await world.register(client)
    await answered_device(world, client=client)
    begun = (await begin(world, client=client)).json()
    handle, session = await confirmed(world, begun["user_code"])
    assert isinstance(await world.interaction.arrive(handle, session), Question)
    assert (await question(world, handle, session)).lines
    assert (await poll(world, begun["device_code"], client)).json()["error"] == "authorization_pending"


async def test_a_key_proven_or_stated_at_the_start_is_needed_at_the_end(world: World) -> None:
    """RFC 9449 §10, by analogy."""
    key, other = SigningKey.generate(), SigningKey.generate()
    device = await answered_device(world, key)
    stated = await answered_device(world, dpop_jkt=key.public.thumbprint)
    for handle in (device, stated):
        assert (await poll(world, handle)).json()["error"] == "invalid_grant"
        assert (await poll(world, handle, key=other)).json()["error"] == "invalid_grant"
        bound = await poll(world, handle, key=key)
        assert bound.json()["token_type"] == "DPoP"
        assert claims_of(bound.json()["access_token"])["cnf"] == {"jkt": key.public.thumbprint}
    assert (await begin(world, key, dpop_jkt=other.public.thumbprint)).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "calendar.events"}, "invalid_scope"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"resource": "https://nobody.example"}, "invalid_target"),
        ({"authorization_details": "{"}, "invalid_request"),
        ({"client_id": "budget"}, "unauthorized_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"scope": "x" * 1_001}, "invalid_request"),
    ],
)
async def test_a_device_may_ask_only_for_what_any_request_may(
    world: World, changes: dict[str, str], error: str
) -> None:
    """The rules of authorization requests hold here too."""
    answer = await begin(world, **changes)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] == error


async def test_a_locked_person_gives_a_device_nothing(world: World) -> None:
    """Also where they allowed it before they were locked."""
    device = await answered_device(world)
    await lock(world)
    assert (await poll(world, device)).json()["error"] == "access_denied"


async def test_a_device_code_is_no_other_handle(world: World) -> None:
    """Neither side's handle opens the other side."""
    begun = (await begin(world)).json()
    session = await world.sign_in()
    with pytest.raises(NotFound):
        await world.look(begun["device_code"], session)
    handle = await typed(world, begun["user_code"])
    assert (await poll(world, handle)).json()["error"] == "invalid_grant"
    form = {"client_id": TV.id, "grant_type": DEVICE_GRANT, "device_code": begun["user_code"]}
    assert (await send(world, "/token", form)).json()["error"] == "invalid_request"
