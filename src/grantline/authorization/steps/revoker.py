"""Who may have everything of a person ended: an issuer that the operator declared for it, by its signed word."""

import hashlib
from dataclasses import dataclass
from typing import Annotated

import msgspec

from grantline.authorization.http import Request
from grantline.authorization.issuer_keys import keys_of
from grantline.authorization.issuers import TrustedIssuer
from grantline.authorization.server import Server
from grantline.authorization.store import Transaction
from grantline.crypto.assertions import InvalidAssertion, open_assertion
from grantline.model.errors import InsufficientScope, InvalidToken
from grantline.model.reading import decoder

TYP = "global-token-revocation+jwt"
_SPENT = "revocation"


class _Claims(msgspec.Struct, frozen=True):
    """What the word has to say. `aud` is one string: a list could be meant for others too."""

    iss: str
    aud: str
    exp: int | float
    iat: int | float
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


@dataclass(frozen=True, slots=True)
class Revoker:
    """An issuer whose word was verified. `digest`, `until`: what it uses up, and for how long (unix seconds)."""

    issuer: TrustedIssuer
    digest: bytes
    until: int


_decode = decoder(_Claims)


async def authenticate_revoker(server: Server, request: Request, endpoint: str) -> Revoker:
    """Raises `InvalidToken`; `InsufficientScope` for an issuer that is trusted with other things alone."""
    scheme, _, text = (request.only("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise InvalidToken("Send a signed token of a declared issuer as Bearer.")
    try:
        unproven = open_assertion(text)
        name = _decode(unproven.payload).iss
        server.rates.take(f"revoker {name[:200]}", request.address, server.clock.boot_ns())
        issuer = await server.work.read(lambda tx: tx.issuers.get(name))
        if issuer is None:
            raise _refused("issuer not trusted")
        payload = unproven.proven_by(await keys_of(server, issuer), algorithms=issuer.algorithms, types={TYP})
        claims = _decode(payload)
    except (InvalidAssertion, msgspec.MsgspecError) as error:
        raise _refused(str(error)) from error
    _require_bounds(server, issuer, claims, endpoint)
    if not issuer.revokes:
        raise InsufficientScope("This issuer may not end people's tokens here.", detail=issuer.issuer)
    digest = hashlib.sha256(f"{claims.iss}\0{claims.jti}".encode()).digest()
    return Revoker(issuer, digest, int(claims.exp) + server.settings.clock_skew + 1)


async def use_up(tx: Transaction, revoker: Revoker) -> None:
    """The word counts once: repeated later it would end what was issued since. Never refused for want of room."""
    if not await tx.burned.keep(_SPENT, revoker.digest, revoker.until):
        raise _refused("used before")


def _require_bounds(server: Server, issuer: TrustedIssuer, claims: _Claims, endpoint: str) -> None:
    now, skew = server.now(), server.settings.clock_skew
    problems = (
        (claims.aud not in {server.issuer, endpoint}, "aud is not this server"),
        (claims.exp <= now - skew, "expired"),
        (claims.exp - claims.iat > issuer.longest, "valid for too long"),
        (claims.iat > now + skew, "from the future"),
    )
    for wrong, why in problems:
        if wrong:
            raise _refused(why)


def _refused(why: str) -> InvalidToken:
    return InvalidToken("The token is not valid here.", detail=why)
