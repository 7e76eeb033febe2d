"""What every signing key offers, wherever its private half lives and whatever its algorithm (RFC 7515, RFC 7518)."""

from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from grantline.crypto.encoding import b64url

ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")
"""All that we sign with. RS256 is there for profiles of others that name nothing else; it is never a default."""

Sign = Callable[[bytes], bytes]
"""The raw JWS signature over a message (RFC 7518 §3.4 for ES256: r ‖ s)."""


class PublicKey(Protocol):
    """Verifies what one key signed with its one algorithm."""

    @property
    def kid(self) -> str:
        """The name under which it is published: its RFC 7638 thumbprint, unless its owner named it otherwise."""
        ...

    @property
    def alg(self) -> str:
        """The only algorithm it is used with (RFC 8725 §3.1)."""
        ...

    @property
    def jwk(self) -> Mapping[str, str]:
        """RFC 7517 form with kid, alg and use; never a private member."""
        ...

    @property
    def thumbprint(self) -> str:
        """RFC 7638, SHA-256, base64url."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if the signature is this key's over `message`."""
        ...


class SigningKey(Protocol):
    """Makes signatures. The private half is not to be had from it."""

    @property
    def public(self) -> PublicKey:
        """What others verify with."""
        ...

    def sign_jws(self, payload: bytes, typ: str) -> str:
        """A compact JWS whose header has alg, typ and kid."""
        ...


class Signer:
    """A signing key made of its public half and something that signs: a key in memory, or one in a device."""

    __slots__ = ("_headers", "_sign", "public")

    def __init__(self, public: PublicKey, sign: Sign) -> None:
        self.public = public
        self._sign = sign
        self._headers: dict[str, bytes] = {}

    def sign_jws(self, payload: bytes, typ: str) -> str:
        """A compact JWS with header alg, typ and kid."""
        header = self._headers.get(typ)
        if header is None:
            header = b64url(orjson.dumps({"alg": self.public.alg, "typ": typ, "kid": self.public.kid})).encode()
            self._headers[typ] = header
        message = header + b"." + b64url(payload).encode()
        return (message + b"." + b64url(self._sign(message)).encode()).decode()
