"""Clients that act by other ways than a browser: services, agents, and the requests that they write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
import orjson

from grantline.authorization.service_grants import ServiceChange, ServiceGrant, give_service_grant
from grantline.crypto.dpop import TYP, access_token_hash
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.model.ids import PurposeId
from grantline.parties import Client, read_client
from grantline.sdk.client import Prover, Tokens
from tests.authorization_world import ISSUER, World
from tests.flows.authorization.raw import FORM

TOKEN_URL = ISSUER + "/token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
BANK, CALENDAR = "https://bank.example/api", "https://calendar.example/api"
ALL_SCOPES = ("bank.transactions", "bank.balances", "bank.categories", "calendar.events")


@dataclass(frozen=True)
class Caller:
    """A confidential client with its keys. `dpop` None: it sends no proof of its own."""

    client: Client
    key: SigningKey
    dpop: SigningKey | None = field(default_factory=SigningKey.generate)

    def prover(self, world: World) -> Prover:
        return Prover(self.client.id, self.dpop, self.key, world.clock, world.server.randomness)

    async def ask(self, world: World, form: dict[str, Any], **headers: str | Sequence[str]) -> httpx2.Response:
        """One request to the token endpoint, proven as this client does, with the nonce that it may ask for."""
        more = [
            (name.replace("_", "-"), one)
            for name, value in headers.items()
            for one in ([value] if isinstance(value, str) else value)
        ]
        answer = await self._send(world, form, more, None)
        nonce = answer.headers.get("dpop-nonce")
        wanted = nonce is not None and answer.json().get("error") == "use_dpop_nonce"
        return await self._send(world, form, more, nonce) if wanted else answer

    async def _send(
        self, world: World, form: dict[str, Any], more: list[tuple[str, str]], nonce: str | None
    ) -> httpx2.Response:
        prover = self.prover(world)
        sent = {name: value for name, value in form.items() if value is not None}
        body = urlencode({**sent, **prover.client_parameters(ISSUER)}, doseq=True)
        told = [("content-type", FORM), *prover.headers("POST", TOKEN_URL, nonce=nonce).items(), *more]
        return await world.http.post("/token", content=body, headers=told)

    async def exchange(
        self, world: World, subject_token: str, *, holder: str | Sequence[str] = (), **more: Any
    ) -> httpx2.Response:
        """An exchange of this token; `holder`: proofs by who holds it."""
        form = {
            "grant_type": EXCHANGE, "subject_token": subject_token, "subject_token_type": ACCESS_TOKEN, **more,
        }  # fmt: skip
        return await self.ask(world, form, subject_dpop=holder)


def confidential(name: str, *, dpop: bool = True, **more: Any) -> Caller:
    """A client that proves itself with a key; `more` of its registration."""
    key = SigningKey.generate()
    registration = {
        "id": name, "name": name.title(), "publisher": f"{name.title()} Ltd", "web": f"https://{name}.example",
        "auth": "private_key_jwt", "jwks": [key.public.jwk], "dpop_bound": dpop, "grants": [], **more,
    }  # fmt: skip
    return Caller(read_client(registration), key, SigningKey.generate() if dpop else None)


def agent(name: str = "otto", *, subjects: Sequence[str] = ("budget",), **more: Any) -> Caller:
    """An agent that may exchange the tokens of these clients."""
    exchange = {"subjects": list(subjects), **more.pop("exchange", {})}
    scopes, grants = more.pop("scopes", list(ALL_SCOPES)), more.pop("grants", [EXCHANGE])
    return confidential(name, kind="agent", grants=grants, exchange=exchange, scopes=scopes, **more)


def service(name: str = "reporting", **more: Any) -> Caller:
    """A service that acts for itself."""
    scopes = more.pop("scopes", ["calendar.events", "bank.categories"])
    return confidential(name, kind="service", grants=["client_credentials"], scopes=scopes, **more)


def handing(
    world: World, tokens: Tokens | str, holder: SigningKey, to: str | None, *, url: str = TOKEN_URL, **changes: Any
) -> str:
    """The proof by which the holder of a token lets `to` exchange it."""
    token = tokens if isinstance(tokens, str) else tokens.access_token
    jwk = {name: holder.public.jwk[name] for name in ("kty", "crv", "x", "y")}
    claims: dict[str, Any] = {
        "jti": b64url(world.server.randomness(16)), "htm": "POST", "htu": url, "iat": world.server.now(),
        "ath": access_token_hash(token), "act": {"sub": to},
    }  # fmt: skip
    if to is None:
        del claims["act"]
    head = {"typ": TYP, "alg": "ES256", "jwk": jwk, **changes.pop("header", {})}
    message = ".".join(b64url(orjson.dumps(part)) for part in (head, {**claims, **changes}))
    return f"{message}.{b64url(holder.sign(message.encode()))}"


async def give_service(world: World, client: str = "reporting", **more: Any) -> ServiceChange:
    """Declare what this service may do for itself."""
    declared = ServiceGrant(
        **{"client": client, "purpose": PurposeId("budgeting"), "scopes": ("calendar.events",), **more}
    )
    consents, catalog = world.server.consents, world.server.catalog()
    return await world.database.write(
        lambda tx: give_service_grant(tx, consents, catalog, declared, "$.service_grants[0]")
    )
