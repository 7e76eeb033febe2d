"""A device and a call centre, over the whole composed authority: their requests, the person's pages, their tokens."""

import re
from typing import Any

import httpx2
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.parties import read_client, upsert
from grantline.sdk.client import Prover
from tests.instance_world import ISSUER, Instance, Visitor

KEY = SigningKey.generate()
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CIBA_GRANT = "urn:openid:params:grant-type:ciba"
_BOTH: dict[str, Any] = {
    "publisher": "Maker Ltd", "scopes": ["calendar.events", "openid"], "dpop_bound": False, "tier": "verified",
    "verified_by": "Example Bank",
}  # fmt: skip
TV = read_client({**_BOTH, "id": "tv", "name": "Living room TV", "web": "https://tv.example", "grants": [DEVICE_GRANT]})
CALLER = read_client(
    {
        **_BOTH, "id": "caller", "name": "Call centre", "web": "https://calls.example", "auth": "private_key_jwt",
        "jwks": [KEY.public.jwk], "grants": [CIBA_GRANT],
    }
)  # fmt: skip


@pytest.fixture(autouse=True)
async def _clients(house: Instance) -> None:
    for client in (TV, CALLER):
        await house.composed.work.write(
            lambda tx, one=client: upsert(tx, one, house.clock, house.composed.server.randomness)  # type: ignore[misc]
        )


async def sends(house: Instance, path: str, client: str, **form: str) -> httpx2.Response:
    """One request of a client."""
    key = KEY if client == CALLER.id else None
    proof = Prover(client, None, key, house.clock, house.composed.server.randomness).client_parameters(ISSUER)
    return await house.visitor().post(path, {**proof, **form})


async def begun(house: Instance) -> dict[str, Any]:
    """What the device shows, and what it keeps."""
    answer = await sends(house, "/device_authorization", TV.id, scope="openid calendar.events")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def compares(person: Visitor, path: str) -> str:
    """From the address that the device shows to the page that compares, with the code that it fills in."""
    location = (await person.get(path)).headers["location"]
    page = (await person.sign_in(path=location)).headers["location"]
    shown = (await person.get(page)).text
    typed = re.search(r'name="user_code" value="([^"]*)"', shown)
    assert typed is not None
    onward = await person.post("/device", {**await person.form(page), "user_code": typed[1]})
    assert onward.status_code == 303, onward.text
    return str(onward.headers["location"])


async def test_a_device_is_connected_through_the_pages(house: Instance) -> None:
    """Covers: check 141. From the address with the code to tokens; without the two presses there are none."""
    told, person = await begun(house), house.visitor()
    grant = {"grant_type": DEVICE_GRANT, "device_code": told["device_code"]}
    page = await compares(person, told["verification_uri_complete"].removeprefix(ISSUER))
    shown = (await person.get(page)).text
    for words in ("Living room TV", told["user_code"], "Verified by Example Bank", "events"):
        assert words in shown
    # Whoever follows the link alone has allowed nothing, and cannot even be asked.
    handle = page.rpartition("/")[2]
    assert (await person.get(f"/consent/{handle}")).status_code == 404
    assert (await sends(house, "/token", TV.id, **grant)).json()["error"] == "authorization_pending"

    question = (await person.post(page, await person.form(page))).headers["location"]
    assert question == f"/consent/{handle}"
    assert "Sends you back to" not in (await person.get(question)).text
    after = (await person.allow(question)).headers["location"]
    assert "Go back to your device" in (await person.get(after)).text
    house.clock.pass_seconds(5)
    tokens = (await sends(house, "/token", TV.id, **grant)).json()
    assert tokens["scope"] == "openid calendar.events"
    assert "Living room TV" in (await person.get(f"/connections/{tokens['grant_id']}")).text


async def test_a_call_is_answered_where_it_waits(house: Instance) -> None:
    """One is refused with one press, the next is allowed on the page that everybody gets."""
    person = house.visitor()
    await person.sign_in()
    assert "waits for your answer" not in (await person.get("/connections")).text
    wishes = {"scope": "openid calendar.events", "login_hint": "one", "binding_message": "Order 4711"}
    outcomes = []
    for do in ("refuse", "look"):
        asked = (await sends(house, "/backchannel-authentication", CALLER.id, **wishes)).json()
        assert "A request waits for your answer" in (await person.get("/connections")).text
        waiting = (await person.get("/connections/waiting")).text
        assert "Call centre" in waiting
        assert "Order 4711" in waiting
        form = {**await person.form("/connections/waiting"), "do": do}
        onward = (await person.post("/connections/waiting", form)).headers["location"]
        if do == "look":
            assert "Order 4711" in (await person.get(onward)).text
            onward = (await person.allow(onward)).headers["location"]
        assert "Go back to where you were asked" in (await person.get(onward)).text
        grant = {"grant_type": CIBA_GRANT, "auth_req_id": asked["auth_req_id"]}
        outcomes.append((await sends(house, "/token", CALLER.id, **grant)).json())
    assert outcomes[0]["error"] == "access_denied"
    assert outcomes[1]["token_type"] == "Bearer"
    other = house.visitor()
    await other.sign_in("two")
    assert "Nothing waits" in (await other.get("/connections/waiting")).text


async def test_the_metadata_names_both_ways_and_no_push(house: Instance) -> None:
    """RFC 8628 §4, CIBA §4."""
    told = (await house.visitor().get("/.well-known/openid-configuration")).json()
    assert told["device_authorization_endpoint"] == f"{ISSUER}/device_authorization"
    assert told["backchannel_authentication_endpoint"] == f"{ISSUER}/backchannel-authentication"
    assert told["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert told["backchannel_user_code_parameter_supported"] is False
    assert {DEVICE_GRANT, CIBA_GRANT} <= set(told["grant_types_supported"])
