"""The client signs a short statement with its registered key (RFC 7523 §3, OIDC Core §9, FAPI 2.0 §5.3.2.1)."""

import hashlib
from typing import Annotated

import msgspec

from grantline.authorization.client_auth import Carrier, Method, always
from grantline.authorization.client_keys import Unverified, accepted_algorithms, open_signed
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.units import ASSERTION, Burn
from grantline.crypto.encoding import unb64url
from grantline.model.errors import InvalidClient
from grantline.model.reading import decoder
from grantline.parties import AuthMethod, Client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TYPES = frozenset({"", "jwt", "client-authentication+jwt"})
_MAX_ASSERTION = 8_192


class _Claims(msgspec.Struct, frozen=True):
    """What an assertion has to say. `aud` must be one string, never a list (FAPI 2.0 §5.3.2.1 item 6)."""

    iss: str
    sub: str
    aud: str
    exp: int | float
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    nbf: int | float | None = None
    iat: int | float | None = None


_claims = decoder(_Claims)


def claimed(_request: Request, form: Form) -> str:
    """The client that the assertion names; nothing is proven yet."""
    try:
        name = _claims(unb64url((text(form, "client_assertion") or "").split(".")[1])).sub
    except (ValueError, IndexError, msgspec.MsgspecError) as error:
        raise _refused(f"assertion unreadable: {error}") from error
    stated = text(form, "client_id")
    if stated is not None and stated != name:
        raise _refused("client_id is not the assertion's sub")
    return name


def authenticate(server: Server, client: Client, _request: Request, form: Form) -> tuple[Burn, ...]:
    """Check the assertion (checks 73 to 79); its `jti` is used up with this request."""
    assertion = text(form, "client_assertion") or ""
    if text(form, "client_assertion_type") != TYPE or len(assertion) > _MAX_ASSERTION:
        raise _refused("assertion type or length")
    claims = _verified(assertion, client)
    now, skew = server.now(), server.settings.clock_skew
    problems = (
        (claims.iss != client.id or claims.sub != client.id, "iss and sub are not the client"),
        (claims.aud != server.issuer, "aud is not the issuer"),
        (claims.exp <= now - skew, "expired"),
        (claims.exp > now + server.settings.assertion_lifetime + skew, "valid for too long"),
        (claims.nbf is not None and claims.nbf > now + skew, "not valid yet"),
        (claims.iat is not None and claims.iat > now + skew, "from the future"),
    )
    for wrong, why in problems:
        if wrong:
            raise _refused(why)
    digest = hashlib.sha256(f"{client.id}\0{claims.jti}".encode()).digest()
    return (Burn(ASSERTION, digest, int(claims.exp) + skew + 1),)


def _verified(assertion: str, client: Client) -> _Claims:
    try:
        signed = open_signed(assertion, client.jwks, accepted_algorithms(client.algorithms.client_assertion))
        claims = _claims(signed.payload)
    except (Unverified, msgspec.MsgspecError) as error:
        raise _refused(f"assertion refused: {error}") from error
    if signed.typ not in _TYPES:
        raise _refused("typ is of another kind of token")
    return claims


def _refused(why: str) -> InvalidClient:
    return InvalidClient("The client did not prove who it is.", detail=why)


METHOD = Method(
    name=AuthMethod.PRIVATE_KEY_JWT,
    spec="RFC 7523 §3",
    carrier=Carrier.ASSERTION,
    claimed=claimed,
    authenticate=authenticate,
    served=always,
)
