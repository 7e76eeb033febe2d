"""Requests as a wrongdoer would write them: every parameter in hand."""

import hashlib
from typing import Any
from urllib.parse import urlencode

import httpx2

from grantline.authorization.steps.dpop import nonces
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Prover
from tests.authorization_world import CALLBACK, ISSUER, PUBLIC, World, query_of

VERIFIER = "v" * 43
CHALLENGE = b64url(hashlib.sha256(VERIFIER.encode()).digest())
FORM = "application/x-www-form-urlencoded"

REQUEST = {
    "client_id": PUBLIC.id,
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "bank.transactions",
    "state": "st",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def current_nonce(world: World) -> str:
    """What a proof for this server has to carry now."""
    return nonces(world.server).current(world.server.now())


async def post(world: World, path: str, form: Any, key: SigningKey | None = None, **headers: str) -> httpx2.Response:
    """One form, with a DPoP proof by `key`."""
    body = form if isinstance(form, str) else urlencode({k: v for k, v in form.items() if v is not None}, doseq=True)
    nonce = current_nonce(world)
    prover = Prover("", key, None, world.clock, world.server.randomness)
    proof = prover.headers("POST", ISSUER + path, nonce=nonce)
    return await world.http.post(path, content=body, headers={"content-type": FORM, **proof, **headers})


async def get_code(world: World, key: SigningKey | None = None, **changes: str | None) -> str:
    """A code that a person allowed; `changes` to the pushed request."""
    pushed = await post(world, "/par", {**REQUEST, **changes}, key)
    assert pushed.status_code == 201, pushed.text
    client = changes.get("client_id") or REQUEST["client_id"]
    begun = f"/authorize?{urlencode({'client_id': client, 'request_uri': pushed.json()['request_uri']})}"
    from grantline.sdk.client import Begun

    return query_of(await world.allow(Begun(begun, "", "", "")))["code"]


def exchange(code: str, **changes: str | None) -> dict[str, str | None]:
    """The form that redeems the code rightly."""
    right = {
        "grant_type": "authorization_code",
        "client_id": PUBLIC.id,
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": CALLBACK,
    }
    return {**right, **changes}


def claims_of(token: str) -> dict[str, Any]:
    """The claims, unverified: a test looks at what stands there."""
    import json

    from grantline.crypto.encoding import unb64url

    return dict(json.loads(unb64url(token.split(".")[1])))
