"""Public keys of the other algorithms: RSA for PS256 and RS256 (RFC 7518 §3.3, §3.5), Ed25519 (RFC 8037)."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from grantline.crypto import es256
from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.signing import PublicKey

MIN_RSA_BITS, MAX_RSA_BITS = 2_048, 8_192
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
"""Members that a public JWK must not have (check 114)."""

SHA256 = hashes.SHA256()
PADDING: dict[str, padding.AsymmetricPadding] = {
    # The salt is as long as the hash (RFC 7518 §3.5); another length does not verify.
    "PS256": padding.PSS(padding.MGF1(SHA256), salt_length=padding.PSS.DIGEST_LENGTH),
    "RS256": padding.PKCS1v15(),
}
_Raw = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


class RsaPublicKey:
    """An RSA key of at least 2,048 bits for PS256 or for RS256, never for both."""

    __slots__ = ("_key", "_padding", "alg", "jwk", "kid", "thumbprint")

    def __init__(self, key: rsa.RSAPublicKey, alg: str, kid: str | None = None) -> None:
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise ValueError(f"RSA keys must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
        numbers = key.public_numbers()
        members = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
        self._key, self._padding, self.alg = key, PADDING[alg], alg
        self.thumbprint = _thumbprint(members)
        self.kid = kid or self.thumbprint
        self.jwk: dict[str, str] = {**members, "kid": self.kid, "alg": alg, "use": "sig"}

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if the signature is this key's over `message`."""
        try:
            self._key.verify(signature, message, self._padding, SHA256)
        except InvalidSignature:
            return False
        return True


class Ed25519PublicKey:
    """An Ed25519 key for EdDSA."""

    __slots__ = ("_key", "jwk", "kid", "thumbprint")
    alg = "EdDSA"

    def __init__(self, key: ed25519.Ed25519PublicKey, kid: str | None = None) -> None:
        members = {"crv": "Ed25519", "kty": "OKP", "x": b64url(key.public_bytes_raw())}
        self._key = key
        self.thumbprint = _thumbprint(members)
        self.kid = kid or self.thumbprint
        self.jwk: dict[str, str] = {**members, "kid": self.kid, "alg": self.alg, "use": "sig"}

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if the signature is this key's over `message`."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def public_key(raw: _Raw, alg: str, kid: str | None = None) -> PublicKey:
    """`raw` for this algorithm; ValueError if it is of another kind or too weak."""
    match alg, raw:
        case "ES256", ec.EllipticCurvePublicKey() if isinstance(raw.curve, ec.SECP256R1):
            return es256.PublicKey(raw, kid)
        case "EdDSA", ed25519.Ed25519PublicKey():
            return Ed25519PublicKey(raw, kid)
        case "PS256" | "RS256", rsa.RSAPublicKey():
            return RsaPublicKey(raw, alg, kid)
    raise ValueError(f"the key does not fit {alg}")


def read_public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """A public JWK that names its `alg`; ValueError for a private, weak, malformed or unfitting one."""
    if not PRIVATE.isdisjoint(jwk):
        raise ValueError("the jwk holds private members")
    alg, kid = jwk.get("alg"), jwk.get("kid")
    name = kid if isinstance(kid, str) else None
    match alg, jwk.get("kty"), jwk.get("crv"):
        case "ES256", "EC", "P-256":
            return es256.PublicKey.from_jwk(jwk)
        case "EdDSA", "OKP", "Ed25519":
            return Ed25519PublicKey(ed25519.Ed25519PublicKey.from_public_bytes(_bytes(jwk, "x")), name)
        case "PS256" | "RS256", "RSA", _:
            e, n = (int.from_bytes(_bytes(jwk, member), "big") for member in ("e", "n"))
            return RsaPublicKey(rsa.RSAPublicNumbers(e, n).public_key(), str(alg), name)
    raise ValueError("algorithm and key do not fit")


def _bytes(jwk: Mapping[str, Any], member: str) -> bytes:
    value = jwk.get(member)
    if not isinstance(value, str):
        raise ValueError(f"{member} is missing")
    return unb64url(value)


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _thumbprint(members: dict[str, str]) -> str:
    """Required members in lexical order, without white space (RFC 7638 §3)."""
    return b64url(hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest())
