"""An access token that is presented to this server itself, as it would be to an API (RFC 6750 §2, RFC 9449 §7.1)."""

from dataclasses import dataclass

from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.parameters import read_form, text
from grantline.authorization.server import Server
from grantline.authorization.steps.dpop import read_proof
from grantline.authorization.tokens import opaque
from grantline.crypto.dpop import Proof
from grantline.model.errors import InvalidDpopProof, InvalidRequest, InvalidToken, OAuthError, UseDpopNonce
from grantline.model.token import AccessClaims, token_type

_SCHEMES = {"bearer": "Bearer", "dpop": "DPoP"}


@dataclass(frozen=True, slots=True)
class Presented:
    """A token of ours that came as it was issued; whether it stands is for the transaction to find out.

    `proof`: to be used up there.
    """

    claims: AccessClaims
    proof: Proof | None


async def presented(server: Server, request: Request, *, in_body: bool = False) -> Presented:
    """The token of this request; raises `InvalidToken`, `InvalidDpopProof` or `InvalidRequest`.

    `in_body`: a form may carry it too.
    """
    scheme, token = _read(request, in_body=in_body)
    claims = await opaque.read_first(server, token)
    return Presented(claims, _bound_proof(server, request, claims, scheme, token))


def _read(request: Request, *, in_body: bool) -> tuple[str, str]:
    """Scheme and token from the header, or the token from a form body (RFC 6750 §2); never from the address."""
    values = request.values("authorization")
    if len(values) > 1:
        raise InvalidRequest("Send the access token once.")
    if values:
        scheme, _, token = values[0].partition(" ")
        if scheme.lower() not in _SCHEMES or not token or " " in token:
            raise InvalidToken("Send the access token as DPoP or Bearer.")
        return _SCHEMES[scheme.lower()], token
    found = text(read_form(request), "access_token") if request.body and in_body else None
    if found is None:
        raise InvalidToken("This call carries no access token.")
    return "Bearer", found


def _bound_proof(server: Server, request: Request, claims: AccessClaims, scheme: str, token: str) -> Proof | None:
    """A token bound to a key needs that key's proof and the DPoP scheme (check 103); others have neither.

    One bound to a certificate needs to come with it.
    """
    if scheme != token_type(claims.cnf):
        raise InvalidToken("The access token was not presented as it was issued.")
    if claims.cnf is None:
        return None
    if claims.cnf.jkt is None:
        if request.x5t is None or request.x5t != claims.cnf.x5t:
            raise InvalidToken("The access token is not valid without its client certificate.")
        return None
    proof = read_proof(server, request, token)
    if proof is None or proof.jkt != claims.cnf.jkt:
        raise InvalidDpopProof("This token needs a DPoP proof by its own key.")
    return proof


def challenge(error: OAuthError) -> Response:
    """RFC 6750 §3 and RFC 9449 §7.1: both schemes are offered, each with the error."""
    status = 401 if isinstance(error, (InvalidDpopProof, UseDpopNonce)) else error.status
    challenge = f'DPoP error="{error.code}", Bearer error="{error.code}"'.encode()
    body = {"error": error.code, "error_description": error.message}
    return json_response(body, status, (b"www-authenticate", challenge))
