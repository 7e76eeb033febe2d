"""A process proves which instance it is: short-lived JWS by its own key, one per request."""

import msgspec

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, KeyFinder, SigningKey, verify_jws
from grantline.model.clock import Clock
from grantline.model.ids import Randomness
from grantline.model.reading import decoded

TYP = "grantline-instance+jwt"
LIFETIME = 30
LONGEST = 60
SKEW = 5


class InstanceClaims(msgspec.Struct, frozen=True):
    """Who speaks (`iss`), to whom (`aud`), when (unix seconds), once (`jti`)."""

    iss: str
    aud: str
    iat: int
    exp: int
    jti: str


def instance_token(key: SigningKey, name: str, audience: str, clock: Clock, randomness: Randomness) -> str:
    """A bearer token that `name` may use for one request to `audience` within half a minute."""
    now = clock.wall_us() // 1_000_000
    claims = InstanceClaims(iss=name, aud=audience, iat=now, exp=now + LIFETIME, jti=b64url(randomness(16)))
    return key.sign_jws(msgspec.json.encode(claims), TYP)


def read_instance_token(token: str, find: KeyFinder, audience: str, clock: Clock) -> InstanceClaims:
    """The claims of a token made by the key that `find(kid)` returns; raises `InvalidJws`.

    The caller still compares `iss` with the owner of that key, and `jti` with those it has seen.
    """
    payload = verify_jws(token, find, TYP)
    try:
        claims = decoded(payload, InstanceClaims)
    except msgspec.MsgspecError as error:
        raise InvalidJws("claims missing") from error
    now = clock.wall_us() // 1_000_000
    if claims.aud != audience:
        raise InvalidJws("meant for another audience")
    if claims.exp - claims.iat > LONGEST or claims.iat > now + SKEW or claims.exp <= now - SKEW:
        raise InvalidJws("not valid at this time")
    return claims
