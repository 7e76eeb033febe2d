"""ES256 over compact JWS (RFC 7515, RFC 7518 §3.4): our own short path for tokens we mint and verify ourselves."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from grantline.crypto import signing
from grantline.crypto.encoding import b64url, unb64url

_ES256 = ec.ECDSA(hashes.SHA256())
_MAX_TOKEN = 16_384


class InvalidJws(Exception):
    """The text is not a JWS of one of these keys. The message is for operators."""


class PublicKey:
    """A P-256 verification key. `kid` is its RFC 7638 thumbprint unless told otherwise."""

    __slots__ = ("_key", "jwk", "kid", "thumbprint")
    alg = "ES256"

    def __init__(self, key: ec.EllipticCurvePublicKey, kid: str | None = None) -> None:
        numbers = key.public_numbers()
        x, y = (b64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        self._key = key
        self.thumbprint = b64url(hashlib.sha256(orjson.dumps({"crv": "P-256", "kty": "EC", "x": x, "y": y})).digest())
        self.kid = kid or self.thumbprint
        self.jwk: dict[str, str] = {
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256", "use": "sig",
        }  # fmt: skip

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "PublicKey":
        """Read a public EC P-256 JWK (RFC 7518 §6.2); a private member or a point off the curve is a ValueError."""
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
            raise ValueError("not a public P-256 key")
        x, y = jwk.get("x"), jwk.get("y")
        if not isinstance(x, str) or not isinstance(y, str):
            raise ValueError("coordinates missing")
        point = unb64url(x), unb64url(y)
        if any(len(coordinate) != 32 for coordinate in point):
            raise ValueError("coordinates must be 32 bytes")
        abscissa, ordinate = (int.from_bytes(coordinate, "big") for coordinate in point)
        numbers = ec.EllipticCurvePublicNumbers(abscissa, ordinate, ec.SECP256R1())
        kid = jwk.get("kid")
        return cls(numbers.public_key(), kid if isinstance(kid, str) else None)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if `signature` (raw r ‖ s, 64 bytes) is this key's over `message`."""
        if len(signature) != 64:
            return False
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        try:
            self._key.verify(der, message, _ES256)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A P-256 private key. Never leaves the process that loaded it."""

    __slots__ = ("_headers", "_key", "public")

    def __init__(self, key: ec.EllipticCurvePrivateKey, kid: str | None = None) -> None:
        self._key = key
        self.public = PublicKey(key.public_key(), kid)
        self._headers: dict[str, bytes] = {}

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new key from the system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Read an unencrypted PKCS#8 PEM; anything but P-256 is a ValueError."""
        key = serialization.load_pem_private_key(pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("not a P-256 private key")
        return cls(key)

    def to_pem(self) -> bytes:
        """PKCS#8 PEM without encryption, for a file that only its owner may read."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """Raw r ‖ s, 64 bytes (RFC 7518 §3.4)."""
        r, s = decode_dss_signature(self._key.sign(message, _ES256))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign_jws(self, payload: bytes, typ: str) -> str:
        """A compact JWS with header alg, typ and kid."""
        header = self._headers.get(typ)
        if header is None:
            header = b64url(orjson.dumps({"alg": "ES256", "typ": typ, "kid": self.public.kid})).encode()
            self._headers[typ] = header
        message = header + b"." + b64url(payload).encode()
        return (message + b"." + b64url(self.sign(message)).encode()).decode()


KeyFinder = Callable[[str], signing.PublicKey | None]


class Opened(NamedTuple):
    """What a JWS says, and the name of the key that says so."""

    payload: bytes
    kid: str


def verify_jws(token: str, find: KeyFinder, typ: str, algorithms: Collection[str] = ("ES256",)) -> bytes:
    """The payload of a compact JWS made by the key that `find(kid)` returns; raises `InvalidJws`."""
    return open_jws(token, find, typ, algorithms).payload


def open_jws(token: str, find: KeyFinder, typ: str, algorithms: Collection[str] = ("ES256",)) -> Opened:
    """Payload and key of a compact JWS made by the key that `find(kid)` returns; raises `InvalidJws`.

    Only these `algorithms`, each with a key that is meant for it (RFC 8725 §3.1), and exactly this `typ`
    (case-insensitive, RFC 7515 §4.1.9) pass; any `crit` is refused (§4.1.11).
    """
    if len(token) > _MAX_TOKEN:
        raise InvalidJws("too long")
    try:
        head, body, signature = token.split(".")
        header = orjson.loads(unb64url(head))
        payload, raw = unb64url(body), unb64url(signature)
    except (ValueError, UnicodeEncodeError) as error:
        raise InvalidJws("not a compact JWS") from error
    if (
        not isinstance(header, dict)
        or not isinstance(header.get("alg"), str)
        or header["alg"] not in algorithms
        or "crit" in header
    ):
        raise InvalidJws("algorithm or header not accepted")
    found = str(header.get("typ", "")).lower().removeprefix("application/")
    if found != typ.lower():
        raise InvalidJws(f"type {found!r} where {typ!r} is needed")
    kid = header.get("kid")
    key = find(kid) if isinstance(kid, str) else None
    if key is None:
        raise InvalidJws("unknown key")
    if key.alg != header["alg"]:
        raise InvalidJws("the key is for another algorithm")
    if not key.verify(f"{head}.{body}".encode(), raw):
        raise InvalidJws("signature does not match")
    return Opened(payload, str(kid))
