"""One key for all targets, always the same, so that a kept input means the same in every run."""

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import PublicKey, SigningKey

KEY = SigningKey(ec.derive_private_key(7, ec.SECP256R1()), "fuzz")
JWK = {name: KEY.public.jwk[name] for name in ("kty", "crv", "x", "y", "kid")}
NOW = 1_800_000_000
"""Unix seconds at which every target runs."""


class Stopped:
    """A clock that stands at `NOW`."""

    def wall_us(self) -> int:
        return NOW * 1_000_000

    def boot_ns(self) -> int:
        return NOW * 1_000_000_000


def find(kid: str) -> PublicKey | None:
    """The one key."""
    return KEY.public if kid == "fuzz" else None


def signed(payload: bytes, **header: object) -> str:
    """A compact JWS by the one key around any payload."""
    message = f"{b64url(orjson.dumps({'alg': 'ES256', 'kid': 'fuzz', **header}))}.{b64url(payload)}"
    return f"{message}.{b64url(KEY.sign(message.encode()))}"
