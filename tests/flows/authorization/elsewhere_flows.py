"""Devices and back-channel clients, and the people who answer them, step by step."""

from typing import Any
from urllib.parse import urlencode

import httpx2

from grantline.authorization import AskedElsewhere, Found
from grantline.consent import Offer
from grantline.crypto.es256 import SigningKey
from grantline.identity import PersonRow, Session
from grantline.model.ids import ApiId
from grantline.parties import Client, read_client
from grantline.sdk.client import Prover
from tests.authorization_world import APP_KEY, ISSUER, World, every
from tests.flows.authorization.raw import FORM, post

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CIBA_GRANT = "urn:openid:params:grant-type:ciba"
SCOPE = "openid bank.transactions"

TV = read_client(
    {
        "id": "tv", "name": "Living room TV", "publisher": "TV Ltd", "web": "https://tv.example",
        "scopes": ["bank.transactions", "bank.balances", "openid"], "details": ["bank_data"],
        "grants": [DEVICE_GRANT, "refresh_token"], "dpop_bound": False,
    }
)  # fmt: skip
CALLER = read_client(
    {
        "id": "caller", "name": "Call centre", "publisher": "Bank Ltd", "web": "https://calls.example",
        "auth": "private_key_jwt", "jwks": [APP_KEY.public.jwk], "scopes": ["bank.transactions", "openid"],
        "grants": [CIBA_GRANT, "refresh_token"], "dpop_bound": False,
    }
)  # fmt: skip
PINGED = read_client(
    {
        "id": "pinged", "name": "Pinged", "publisher": "Bank Ltd", "web": "https://pinged.example",
        "auth": "private_key_jwt", "jwks": [APP_KEY.public.jwk], "scopes": ["bank.transactions", "openid"],
        "grants": [CIBA_GRANT], "dpop_bound": False,
        "backchannel": {"delivery": "ping", "endpoint": "https://pinged.example/told"},
    }
)  # fmt: skip
TOKEN = "told-by-this-token-0123456789"


def proof_of(world: World, client: Client) -> dict[str, str]:
    """How this client proves itself."""
    key = APP_KEY if client.confidential else None
    return Prover(client.id, None, key, world.clock, world.server.randomness).client_parameters(ISSUER)


async def begin(world: World, key: SigningKey | None = None, client: Client = TV, **changes: Any) -> httpx2.Response:
    """A device asks."""
    form = {**proof_of(world, client), "scope": SCOPE, **changes}
    return await send(world, "/device_authorization", form, key)


async def ask(world: World, client: Client = CALLER, key: SigningKey | None = None, **changes: Any) -> httpx2.Response:
    """A client asks the person called ada."""
    form = {**proof_of(world, client), "scope": SCOPE, "login_hint": "ada", **changes}
    return await send(world, "/backchannel-authentication", form, key)


async def poll(world: World, handle: str, client: Client = TV, key: SigningKey | None = None) -> httpx2.Response:
    """The client asks whether there is an answer."""
    named = {"auth_req_id": handle} if CIBA_GRANT in client.grants else {"device_code": handle}
    grant = CIBA_GRANT if CIBA_GRANT in client.grants else DEVICE_GRANT
    return await send(world, "/token", {**proof_of(world, client), "grant_type": grant, **named}, key)


async def send(world: World, path: str, form: dict[str, Any], key: SigningKey | None = None) -> httpx2.Response:
    """One form, with a proof only where there is a key."""
    if key is not None:
        return await post(world, path, form, key)
    body = urlencode({name: value for name, value in form.items() if value is not None}, doseq=True)
    return await world.http.post(path, content=body, headers={"content-type": FORM})


async def typed(world: World, code: str, name: str = "ada", address: str = "198.51.100.7") -> str:
    """The person types the code; the handle of the request."""
    found = await AskedElsewhere(world.server).look_up(code, world.people[name], address)
    assert isinstance(found, Found), found
    return found.handle


async def confirmed(world: World, code: str) -> tuple[str, Session]:
    """The person types the code, compares and says it is theirs."""
    session = world.session or await world.sign_in()
    handle = await typed(world, code)
    await AskedElsewhere(world.server).confirm(handle, session)
    return handle, session


async def question(world: World, handle: str, session: Session) -> Offer:
    """What the consent page asks."""
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer), offer
    return offer


async def allow(world: World, handle: str, session: Session) -> str:
    """The person allows all of it; where the browser goes."""
    offer = await question(world, handle, session)
    return (await world.interaction.approve(handle, every(offer), session, digest=offer.digest)).url


async def refuse(world: World, handle: str, session: Session) -> str:
    """The person does not allow it."""
    await question(world, handle, session)
    return (await world.interaction.refuse(handle, session)).url


async def answered_device(world: World, key: SigningKey | None = None, **changes: Any) -> str:
    """A device code whose person allowed it."""
    begun = (await begin(world, key, **changes)).json()
    await allow(world, *await confirmed(world, begun["user_code"]))
    return str(begun["device_code"])


async def waiting_handle(world: World, name: str = "ada") -> str:
    """What waits for this person, if it is one request."""
    (one,) = await AskedElsewhere(world.server).waiting(world.people[name])
    return one.handle


async def answered_call(world: World, client: Client = CALLER, **changes: Any) -> str:
    """An auth_req_id whose person allowed it."""
    asked = await ask(world, client, **changes)
    session = world.session or await world.sign_in()
    await allow(world, await waiting_handle(world), session)
    return str(asked.json()["auth_req_id"])


async def lock(world: World, name: str = "ada") -> None:
    """Nobody gets in as this person any more."""
    row = PersonRow(
        world.people[name], name, name.title(), None, (), {ApiId("bank"): f"b-{name}"}, None, world.server.now()
    )
    await world.database.write(lambda tx: tx.people.put(row))
