"""Who may write to the record and read from it: a short-lived statement signed by a known producer's key."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import orjson

from grantline.crypto.encoding import unb64url
from grantline.crypto.es256 import InvalidJws, PublicKey, SigningKey, verify_jws
from grantline.model.errors import GrantlineError, InvalidConfiguration
from grantline.model.reading import decoded

TYP = "grantline-instance+jwt"
AUDIENCE = "ledger"
LIFETIME_S = 60
LEEWAY_S = 5


class UnknownProducer(GrantlineError):
    """Nobody known signed this."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Claims by which an instance says who it is (times in unix seconds)."""

    iss: str
    aud: str
    iat: int
    exp: int
    jti: str


def state(producer: str, key: SigningKey, now_s: int, jti: str) -> str:
    """The bearer token for one request or a few: valid for a minute."""
    claims = Statement(iss=producer, aud=AUDIENCE, iat=now_s, exp=now_s + LIFETIME_S, jti=jti)
    return key.sign_jws(msgspec.json.encode(claims), TYP)


def read_producers(path: Path) -> dict[str, bytes]:
    """Producers of the set-up: JSON, producer → public JWK. A missing file means none."""
    if not path.exists():
        return {}
    try:
        found = decoded(path.read_bytes(), dict[str, dict[str, str]])
    except msgspec.DecodeError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    return {producer: orjson.dumps(jwk) for producer, jwk in found.items()}


class Producers:
    """Verifies statements. `enrolled` is asked for producers that became known by an entry."""

    def __init__(
        self,
        fixed: Mapping[str, bytes],
        enrolled: Callable[[], Mapping[str, bytes]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._fixed = fixed
        self._enrolled = enrolled
        self._now = now
        self._keys: dict[str, tuple[bytes, PublicKey]] = {}

    def identify(self, authorization: str | None) -> str:
        """The producer that signed this `Authorization: Bearer` value. Raises `UnknownProducer`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise UnknownProducer("Say who you are with a signed statement.")
        try:
            claimed = decoded(_payload(token), Statement)
            key = self._key(claimed.iss)
            verify_jws(token, lambda _: key, TYP)
        except (InvalidJws, ValueError) as error:
            raise UnknownProducer("The statement is not by a known producer.", detail=str(error)) from error
        now = self._now()
        fresh = claimed.iat - LEEWAY_S <= now < claimed.exp + LEEWAY_S and claimed.exp - claimed.iat <= LIFETIME_S
        if claimed.aud != AUDIENCE or not fresh:
            raise UnknownProducer("The statement is for somebody else, or too old.")
        return claimed.iss

    def _key(self, producer: str) -> PublicKey | None:
        jwk = self._fixed.get(producer) or self._enrolled().get(producer)
        if jwk is None:
            return None
        kept = self._keys.get(producer)
        if kept is None or kept[0] != jwk:
            kept = self._keys[producer] = jwk, PublicKey.from_jwk(orjson.loads(jwk))
        return kept[1]


def _payload(token: str) -> bytes:
    """The middle part, unverified: it only names the key to try."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    return unb64url(parts[1])
