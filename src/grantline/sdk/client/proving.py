"""How a client shows who it is (private_key_jwt) and that it holds its key (DPoP)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from grantline.crypto.dpop import sign_proof
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.model.clock import Clock, SystemClock

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Prover:
    """Makes proofs. `dpop`: key that tokens are bound to. `assertion`: registered key of a confidential client."""

    client_id: str
    dpop: SigningKey | None = None
    assertion: SigningKey | None = None
    clock: Clock = field(default_factory=SystemClock)
    randomness: Callable[[int], bytes] = secrets.token_bytes

    def headers(
        self, method: str, url: str, access_token: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """Headers for one request, with the access token if it carries one (RFC 9449 §7.1).

        `nonce`: the last one that the server of `url` gave (RFC 9449 §8).
        """
        if self.dpop is None:
            return {} if access_token is None else {"authorization": f"Bearer {access_token}"}
        proof = sign_proof(
            self.dpop, method, url, jti=self._unique(), iat=self._now(), access_token=access_token, nonce=nonce
        )
        scheme = {} if access_token is None else {"authorization": f"DPoP {access_token}"}
        return {"dpop": proof, **scheme}

    def client_parameters(self, issuer: str) -> dict[str, str]:
        """Form parameters that say, and if it can prove, who the client is; `aud` is the issuer as a string."""
        if self.assertion is None:
            return {"client_id": self.client_id}
        now = self._now()
        claims = {
            "iss": self.client_id, "sub": self.client_id, "aud": issuer, "jti": self._unique(),
            "iat": now, "exp": now + ASSERTION_SECONDS,
        }  # fmt: skip
        assertion = self.assertion.sign_jws(orjson.dumps(claims), "JWT")
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def _now(self) -> int:
        return self.clock.wall_us() // 1_000_000

    def _unique(self) -> str:
        return b64url(self.randomness(16))
