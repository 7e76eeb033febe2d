"""Who is calling: the access token's form, signature, issuer, audience and time (RFC 9068 §4, RFC 6750 §2.1)."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from grantline.crypto.es256 import InvalidJws, KeyFinder, open_jws
from grantline.crypto.signing import PublicKey
from grantline.gateway.refusal import Refusal
from grantline.gateway.store import TokenLookup
from grantline.model.decision import Call
from grantline.model.reading import decoder
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims, opaque_digest

TYP = "at+jwt"
SKEW_SECONDS = 10
"""How far ahead the issuer's clock may be. `exp` gets no allowance: it ends access."""

_CAPACITY = 10_000
_SCHEMES = {"bearer": "Bearer", "dpop": "DPoP"}
_IN_QUERY = re.compile(r"(?:^|&)access_token=")
_decode = decoder(AccessClaims)


@dataclass(frozen=True, slots=True)
class Caller:
    """A token that is genuine and meant for this API. Whether it is the caller's own is not known yet.

    `signer`: kid of the key that signed it; empty for an opaque one.
    """

    claims: AccessClaims
    token: str
    scheme: str
    signer: str = ""


class Tokens:
    """Verifies tokens of one issuer and remembers the good ones, by hash, until they expire.

    Standing is not looked at here: a remembered token is held against the feed at every call. `opaque`: knows what
    tokens stand for that say nothing; None: no such token is good here.
    """

    def __init__(self, find: KeyFinder, *, opaque: TokenLookup | None = None, capacity: int = _CAPACITY) -> None:
        self._find = find
        self._opaque = opaque
        self._capacity = capacity
        self._good: OrderedDict[bytes, tuple[AccessClaims, str]] = OrderedDict()

    def forget(self) -> None:
        """Verify everything anew: keys or issuer may have changed."""
        self._good.clear()

    async def verify(self, call: Call, *, issuer: str, audience: str, now: int) -> Caller:
        """The caller of this call. `now` in unix seconds.

        Raises `Refusal` (token_missing, _invalid, _expired, _unavailable).
        """
        scheme, token = credentials(call)
        digest = opaque_digest(token)
        claims, signer = self._claims(token) if digest is None else (await self._resolved(digest), "")
        if claims.iss != issuer:
            raise Refusal(Reason.TOKEN_INVALID, "another issuer")
        if audience not in claims.aud:
            raise Refusal(Reason.TOKEN_INVALID, f"not meant for {audience}")
        if claims.exp <= now:
            raise Refusal(Reason.TOKEN_EXPIRED, f"expired at {claims.exp}")
        if claims.iat > now + SKEW_SECONDS:
            raise Refusal(Reason.TOKEN_INVALID, "issued in the future")
        return Caller(claims, token, scheme, signer)

    async def _resolved(self, digest: bytes) -> AccessClaims:
        found = Reason.TOKEN_INVALID if self._opaque is None else await self._opaque.claims(digest)
        if isinstance(found, Reason):
            raise Refusal(found, "an opaque token")
        return found

    def _claims(self, token: str) -> tuple[AccessClaims, str]:
        key = hashlib.sha256(token.encode()).digest()
        known = self._good.get(key)
        if known is not None:
            self._good.move_to_end(key)
            return known
        try:
            opened = open_jws(token, self._find, TYP)
            found = _decode(opened.payload), opened.kid
        except (InvalidJws, msgspec.MsgspecError) as error:
            raise Refusal(Reason.TOKEN_INVALID, str(error)) from error
        self._good[key] = found
        if len(self._good) > self._capacity:
            self._good.popitem(last=False)
        return found


def credentials(call: Call) -> tuple[str, str]:
    """Scheme and token: one header, one scheme, one space. A token in the query is refused (OAuth 2.1 §5.1.1)."""
    if _IN_QUERY.search(call.query):
        raise Refusal(Reason.REQUEST_INVALID, "an access token in the query")
    values = call.headers.get("authorization", ())
    if not values:
        raise Refusal(Reason.TOKEN_MISSING)
    if len(values) > 1:
        raise Refusal(Reason.REQUEST_INVALID, "more than one Authorization header")
    name, _, token = values[0].partition(" ")
    scheme = _SCHEMES.get(name.lower())
    if scheme is None:
        raise Refusal(Reason.TOKEN_INVALID, "neither Bearer nor DPoP credentials")
    # Anything odd about the token itself, a second space included, makes it no JWS.
    return scheme, token


def presented(call: Call) -> str | None:
    """The scheme that the request seems to use; None when it shows none that we know."""
    value = call.headers.get("authorization", ("",))[0]
    return _SCHEMES.get(value.partition(" ")[0].lower())


def asking_for_keys(find: KeyFinder, ask: Callable[[], None]) -> KeyFinder:
    """`find`, which calls `ask` whenever a key is unknown: the issuer may have a new one."""

    def finder(kid: str) -> PublicKey | None:
        key = find(kid)
        if key is None:
            ask()
        return key

    return finder
