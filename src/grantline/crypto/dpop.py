"""A client shows, per request, that it holds the key its token is bound to (DPoP, RFC 9449).

Used alike where tokens are issued and where they are used. Replay is not known here: whoever calls keeps the `jti`.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import orjson

from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.es256 import SigningKey
from grantline.crypto.proof_keys import ProofKey, read_proof_key
from grantline.crypto.urls import same_target
from grantline.model.reading import decoder

TYP = "dpop+jwt"
ALGORITHMS = ("ES256", "EdDSA", "PS256")
"""Accepted signature algorithms; asymmetric only (RFC 9449 §4.3 step 5). Published in metadata."""

PAST_SECONDS = 60
FUTURE_SECONDS = 10
"""How far a proof's `iat` may lie from our clock. A `jti` is to be remembered for the sum of both."""

_MAX_PROOF = 8_192
_MAX_JTI = 256


class ProofError(Exception):
    """The proof does not stand. The message is for operators and tests; callers are told less."""


class ProofMissing(ProofError):
    """The request carries no `DPoP` header."""


class ProofInvalid(ProofError):
    """The proof is malformed, wrongly signed, of another key, for another request or of another time."""


class ProofNonceNeeded(ProofError):
    """All else holds, but the proof lacks a nonce of ours that is still good (RFC 9449 §8, §9)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds. `jkt`: SHA-256 thumbprint of its key (RFC 7638). `forget_at`: unix s, when `jti` is moot."""

    jkt: str
    jti: str
    iat: int
    nonce: str | None
    forget_at: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What the request at hand demands of its proof.

    `url`: the external URL of the request; query and fragment are ignored. `now`: unix seconds.
    `access_token`: the token presented with it, None where tokens are issued. `jkt`: the key it must be, if known.
    `nonce_is_good`: decides about the proof's nonce (None: it has none); None asks for no nonce.
    """

    method: str
    url: str
    now: int
    access_token: str | None = None
    jkt: str | None = None
    nonce_is_good: Callable[[str | None], bool] | None = None


class _Claims(msgspec.Struct, frozen=True):
    """The claims we read; unknown ones are ignored (RFC 9449 §4.2)."""

    jti: str
    htm: str
    htu: str
    iat: int | float
    ath: str | None = None
    nonce: str | None = None


_decode_claims = decoder(_Claims)


def verify_proof(headers: Sequence[str], expected: Expected) -> Proof:
    """The proof of a request, all of RFC 9449 §4.3 checked but replay.

    `headers`: every value of the request's `DPoP` header; exactly one must be there. Raises `ProofError`.
    The nonce is judged last, so that a challenge goes only to who holds the key.
    """
    if not headers:
        raise ProofMissing("no DPoP header")
    if len(headers) > 1:
        raise ProofInvalid("more than one DPoP header")
    key, claims = _opened(headers[0])
    if expected.jkt is not None and not hmac.compare_digest(key.thumbprint, expected.jkt):
        raise ProofInvalid("the proof's key is not the one bound")
    _require_request(claims, expected)
    if expected.nonce_is_good is not None and not expected.nonce_is_good(claims.nonce):
        raise ProofNonceNeeded("nonce absent or no longer good")
    iat = int(claims.iat)
    return Proof(key.thumbprint, claims.jti, iat, claims.nonce, iat + PAST_SECONDS + FUTURE_SECONDS)


def access_token_hash(token: str) -> str:
    """The `ath` of an access token (RFC 9449 §4.2)."""
    return b64url(hashlib.sha256(token.encode()).digest())


def sign_proof(
    key: SigningKey, method: str, url: str, *, jti: str, iat: int,
    access_token: str | None = None, nonce: str | None = None,
) -> str:  # fmt: skip
    """A proof by an ES256 key, as a client makes it (RFC 9449 §4.2)."""
    jwk = {name: key.public.jwk[name] for name in ("kty", "crv", "x", "y")}
    claims: dict[str, object] = {"jti": jti, "htm": method, "htu": url, "iat": iat}
    if access_token is not None:
        claims["ath"] = access_token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    parts = ({"typ": TYP, "alg": "ES256", "jwk": jwk}, claims)
    message = ".".join(b64url(orjson.dumps(part)) for part in parts)
    return f"{message}.{b64url(key.sign(message.encode()))}"


def _opened(text: str) -> tuple[ProofKey, _Claims]:
    if len(text) > _MAX_PROOF:
        raise ProofInvalid("too long")
    try:
        head, body, tail = text.split(".")
        key = _key_of(head)
        payload, signature = unb64url(body), unb64url(tail)
        claims = _decode_claims(payload)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ProofInvalid(f"not a DPoP proof: {error}") from error
    if not key.verify(f"{head}.{body}".encode(), signature):
        raise ProofInvalid("signature does not match")
    return key, claims


# A client repeats its header byte for byte, so the key behind it is read once (a key that fails to read is not kept).
@lru_cache(maxsize=4_096)
def _key_of(head: str) -> ProofKey:
    header = orjson.loads(unb64url(head))
    if not isinstance(header, dict) or header.get("typ") != TYP:
        raise ValueError(f"typ is not {TYP}")
    if "crit" in header:
        raise ValueError("critical extensions are not known here")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if algorithm not in ALGORITHMS or not isinstance(jwk, dict):
        raise ValueError("algorithm not accepted, or no jwk")
    return read_proof_key(algorithm, jwk)


def _require_request(claims: _Claims, expected: Expected) -> None:
    if not claims.jti or len(claims.jti) > _MAX_JTI:
        raise ProofInvalid("jti is empty or too long")
    if claims.htm != expected.method:
        raise ProofInvalid("the proof is for another method")
    if not same_target(claims.htu, expected.url):
        raise ProofInvalid("the proof is for another address")
    if not expected.now - PAST_SECONDS <= claims.iat <= expected.now + FUTURE_SECONDS:
        raise ProofInvalid("the proof is too old or from the future")
    if expected.access_token is None:
        return
    if claims.ath is None or not hmac.compare_digest(claims.ath, access_token_hash(expected.access_token)):
        raise ProofInvalid("the proof is for another access token")
