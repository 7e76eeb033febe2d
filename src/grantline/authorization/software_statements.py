"""What somebody who is trusted says of a client's software (RFC 7591 §2.3): verified, or refused (check 137)."""

from typing import Any

import msgspec

from grantline.authorization.client_keys import Unverified, open_signed
from grantline.authorization.server import Server
from grantline.crypto.dpop import ALGORITHMS
from grantline.crypto.encoding import unb64url
from grantline.model.reading import decoded
from grantline.parties import InvalidStatement, UnapprovedStatement

_ABOUT_ITSELF = frozenset({"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "software_statement", "client_id"})


async def with_statement(server: Server, data: dict[str, Any]) -> dict[str, Any]:
    """The metadata with what its statement says in place of what the client says (RFC 7591 §2.3)."""
    statement = data.get("software_statement")
    if statement is None:
        return data
    issuer = _issuer(statement)
    trusted = {one.issuer: one.jwks_uri for one in server.registration.statement_issuers}
    if issuer not in trusted or server.fetch is None:
        raise UnapprovedStatement("software_statement: its issuer is not trusted here; leave it out.")
    keys = await server.fetch.keys(trusted[issuer])
    try:
        claims: dict[str, Any] = decoded(open_signed(statement, keys, ALGORITHMS).payload)
    except (Unverified, msgspec.DecodeError) as error:
        raise InvalidStatement("software_statement: it does not verify.", detail=str(error)) from error
    if claims.get("iss") != issuer or _is_over(claims, server.now()):
        raise InvalidStatement("software_statement: it does not hold, or not any more.")
    return {**data, **{name: value for name, value in claims.items() if name not in _ABOUT_ITSELF}}


def _issuer(statement: object) -> str:
    """Who says so, before that is verified."""
    try:
        claims = decoded(unb64url(str(statement).split(".")[1]))
        return str(claims["iss"])
    except (ValueError, IndexError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise InvalidStatement("software_statement: must be a signed JWT with an issuer.") from error


def _is_over(claims: dict[str, Any], now: int) -> bool:
    end, start = claims.get("exp", now + 1), claims.get("nbf", now)
    return not isinstance(end, int | float) or not isinstance(start, int | float) or end <= now or start > now
