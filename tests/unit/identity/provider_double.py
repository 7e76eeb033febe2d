"""A test double: an OpenID provider behind `Fetch`, whose every answer a test can bend."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from grantline.identity.fetching import Unreachable
from grantline.identity.methods.upstream import challenge_of

ISSUER = "https://id.corp.example"


class ProviderDouble:
    """Signs whatever `claims` says. `bend`: changes the claims of the next ID token, `header` its header."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})
        self.published = [self.key]
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        self.account: dict[str, Any] = {"sub": "248289761001", "name": "Ada"}
        self.bend: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "ES256", "kid": "k1"}
        self.signer: ECKey | OctKey | None = None
        self.asked: dict[str, str] = {}
        self.posts: list[tuple[dict[str, str], dict[str, str]]] = []
        self.gets: list[str] = []

    def arrive(self, address: str, **more: str | None) -> dict[str, str]:
        """The browser is here; what it takes back."""
        assert address.startswith(f"{ISSUER}/authorize?")
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        answer = {"code": "a-code", "state": self.asked["state"], "iss": ISSUER, **more}
        return {name: value for name, value in answer.items() if value is not None}

    async def get(self, url: str) -> bytes:
        """Metadata and keys."""
        self.gets.append(url)
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return orjson.dumps(self.metadata)
        if url == f"{ISSUER}/jwks":
            return orjson.dumps({"keys": [key.as_dict(private=False) for key in self.published]})
        raise Unreachable(url)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """The token endpoint: the verifier has to fit, as at a real one."""
        self.posts.append((dict(form), dict(headers)))
        if url != f"{ISSUER}/token" or challenge_of(form["code_verifier"]) != self.asked["code_challenge"]:
            raise Unreachable(f"{url} answered 400")
        return orjson.dumps({"access_token": "x", "token_type": "Bearer", "id_token": self.id_token()})

    def id_token(self) -> str:
        """The ID token of whoever is here."""
        claims = {
            "iss": ISSUER, "aud": "grantline", "iat": self.now(), "exp": self.now() + 300, "nonce": self.asked["nonce"],
            **self.account, **self.bend,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        algorithms = [self.header["alg"]]
        return jwt.encode(self.header, kept, self.signer or self.key, algorithms=algorithms)
