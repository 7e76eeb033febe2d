"""Clients that ask by the back channel: how they register for it, and how a ping reaches their own server."""

from typing import Any

import httpx2
import msgspec
import orjson
import pytest

from grantline.authorization import Pinging
from grantline.crypto.es256 import SigningKey
from grantline.fetching import Fetcher, FetchSettings
from grantline.model.events import EventType
from grantline.parties import AuthMethod, RegistrationPolicy
from tests.authorization_world import World
from tests.client_servers import LOOPBACK, Answer, ClientServer, answers_of
from tests.flows.authorization.elsewhere_flows import CIBA_GRANT, PINGED, TOKEN, allow, ask, waiting_handle
from tests.flows.registration.conftest import PRIVATE
from tests.flows.registration.test_dynamic import POLICY, kept, own, place, register

ALLOWED = RegistrationPolicy(
    scopes=POLICY.scopes, grants=(CIBA_GRANT,), methods=(AuthMethod.PRIVATE_KEY_JWT,), profile=POLICY.profile
)
TOLD = "https://notes.example/told"
ASKED: dict[str, Any] = {
    "client_name": "Notes", "client_uri": "https://notes.example", "grant_types": [CIBA_GRANT], "response_types": [],
    "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [SigningKey.generate().public.jwk]},
    "scope": "openid bank.transactions", "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": TOLD, "backchannel_authentication_request_signing_alg": "ES256",
}  # fmt: skip


async def registers(world: World, policy: RegistrationPolicy = ALLOWED, **changes: Any) -> httpx2.Response:
    """A client registers itself; None leaves a member out."""
    asked = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return await register(world, asked, policy=policy)


async def test_a_client_registers_for_the_back_channel_and_reads_it_back(world: World) -> None:
    """CIBA §4."""
    answer = await registers(world)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    for name, value in ASKED.items():
        if name.startswith("backchannel"):
            assert told[name] == value
    client = await kept(world, told)
    assert client.backchannel is not None
    assert (client.backchannel.delivery, client.backchannel.endpoint) == ("ping", TOLD)
    assert client.algorithms.backchannel_request == "ES256"
    read = await world.http.get(place(told), headers=own(told))
    assert read.json()["backchannel_client_notification_endpoint"] == TOLD


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"backchannel_token_delivery_mode": "push"}, "backchannel_token_delivery_mode"),
        ({"backchannel_client_notification_endpoint": None}, "backchannel_client_notification_endpoint"),
        ({"backchannel_client_notification_endpoint": "http://notes.example/t"}, "backchannel_client_notification"),
        ({"backchannel_user_code_parameter": True}, "backchannel_user_code_parameter"),
        ({"backchannel_authentication_request_signing_alg": "none"}, "algorithms"),
    ],
)
async def test_what_a_client_may_not_register_is_named(world: World, changes: dict[str, Any], member: str) -> None:
    answer = await registers(world, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), answer.text
    assert answer.json()["error_description"].startswith(member)


async def test_nobody_registers_for_it_beyond_the_policy(world: World) -> None:
    """A token that lets clients register lets them have a code and a refresh, unless it says more."""
    answer = await registers(world, POLICY)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def pinged(world: World, app_server: ClientServer) -> str:
    """An answered request of a client at that server."""
    assert PINGED.backchannel is not None
    there = msgspec.structs.replace(PINGED.backchannel, endpoint=app_server.url("/told"))
    client = msgspec.structs.replace(PINGED, backchannel=there)
    await world.register(client)
    asked = await ask(world, client, client_notification_token=TOKEN)
    await allow(world, await waiting_handle(world), await world.sign_in())
    return str(asked.json()["auth_req_id"])


async def test_a_ping_reaches_the_client_under_guard_and_no_redirect_is_followed(
    world: World, app_server: ClientServer
) -> None:
    """CIBA §10.2, check 133. Over real TLS."""
    resolve = answers_of({"app.test": [LOOPBACK]})
    guarded = FetchSettings(private_hosts=PRIVATE)
    async with Fetcher(world.clock, guarded, resolve=resolve, tls=app_server.trusts) as fetcher:
        app_server.answers["/told"] = Answer(b"", None, 204)
        handle = await pinged(world, app_server)
        assert await Pinging(world.server, fetcher).step() == 1
        (seen,) = app_server.asked
        head, _, body = seen.partition("\r\n\r\n")
        assert head.startswith("POST /told ")
        assert f"authorization: bearer {TOKEN}".lower() in head.lower()
        assert orjson.loads(body) == {"auth_req_id": handle}

        app_server.answers["/told"] = Answer(b"", None, 307, (("location", app_server.url("/elsewhere")),))
        await pinged(world, app_server)
        assert await Pinging(world.server, fetcher).step() == 1
        assert app_server.paths() == ["/told", "/told"]
    findings = [event.rsn for event in await world.events() if event.type is EventType.FINDING]
    assert findings == ["ping_not_taken"]


async def test_a_ping_to_a_private_address_is_not_sent(world: World, app_server: ClientServer) -> None:
    """Covers: check 133."""
    resolve = answers_of({"app.test": [LOOPBACK]})
    async with Fetcher(world.clock, resolve=resolve, tls=app_server.trusts) as fetcher:
        await pinged(world, app_server)
        assert await Pinging(world.server, fetcher).step() == 1
    assert app_server.asked == []
