"""Clients that sign their requests, and requests as they would sign them."""

from typing import Any

import httpx2
import orjson

from grantline.crypto.es256 import SigningKey
from grantline.parties import read_client
from grantline.sdk.client import Prover
from tests.authorization_world import APP_KEY, ISSUER, T0, World
from tests.flows.authorization.raw import CHALLENGE, post

TYP = "oauth-authz-req+jwt"
BACK = "https://signer.example/cb"
_BASE: dict[str, Any] = {
    "id": "signer", "name": "Signer", "publisher": "S Ltd", "web": "https://signer.example", "redirect_uris": [BACK],
    "auth": "private_key_jwt", "jwks": [APP_KEY.public.jwk], "scopes": ["bank.transactions", "bank.balances"],
    "details": ["bank_data"], "grants": ["authorization_code", "refresh_token"], "dpop_bound": False,
    "default_scopes": ["bank.balances"],
}  # fmt: skip
SIGNER = read_client(_BASE)
STRICT = read_client({**_BASE, "id": "strict", "profile": "fapi2-message-signing", "dpop_bound": True})
CLAIMS: dict[str, Any] = {
    "aud": ISSUER, "exp": T0 + 300, "nbf": T0, "iat": T0, "response_type": "code", "redirect_uri": BACK,
    "scope": "bank.transactions", "state": "inside", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


def signed(client: str = SIGNER.id, key: SigningKey = APP_KEY, typ: str = TYP, **changes: Any) -> str:
    """A request object; None leaves a claim out."""
    claims = {"iss": client, "client_id": client, **CLAIMS, **changes}
    return key.sign_jws(orjson.dumps({name: value for name, value in claims.items() if value is not None}), typ)


async def push(world: World, client: str, form: dict[str, Any], dpop: SigningKey | None = None) -> httpx2.Response:
    """Push as this client, proving it by its key."""
    prover = Prover(client, None, APP_KEY, world.clock, world.server.randomness)
    return await post(world, "/par", {**form, **prover.client_parameters(ISSUER)}, dpop)
