"""Says again who the person is, to who holds a token with `openid` (OIDC Core §5.3)."""

from dataclasses import dataclass
from typing import Any

import orjson

from grantline.authorization.http import NOT_KEPT, Request, Response, json_response
from grantline.authorization.parameters import read_form, text
from grantline.authorization.server import Server
from grantline.authorization.steps.dpop import burn_of, read_proof
from grantline.authorization.steps.stands import live_token
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import about_person, opaque
from grantline.authorization.units import burn, write
from grantline.crypto.dpop import Proof
from grantline.model.errors import (
    InsufficientScope,
    InvalidDpopProof,
    InvalidRequest,
    InvalidToken,
    OAuthError,
    UseDpopNonce,
)
from grantline.model.token import AccessClaims, token_type
from grantline.parties import Client

OPENID = "openid"
TYP = "JWT"
_SCHEMES = {"bearer": "Bearer", "dpop": "DPoP"}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is told, and to whom."""

    claims: dict[str, str]
    client: Client


async def userinfo(server: Server, request: Request) -> Response:
    """The same `sub` as in the ID token, and what the consent covers besides (check 120)."""
    try:
        scheme, token = _presented(request)
        claims = await opaque.read_first(server, token)
        proof = _bound_proof(server, request, claims, scheme, token)
        if server.issuer not in claims.aud or OPENID not in claims.scope.split():
            raise InsufficientScope("This token was not made for this; ask for the scope openid.")
        answer = await write(server.work, lambda tx: _answer(server, tx, claims, proof))
        return _as_registered(server, answer)
    except OAuthError as error:
        return _challenge(error)


def _presented(request: Request) -> tuple[str, str]:
    """Scheme and token from the header, or the token from a form body (RFC 6750 §2); never from the address."""
    values = request.values("authorization")
    if len(values) > 1:
        raise InvalidRequest("Send the access token once.")
    if values:
        scheme, _, token = values[0].partition(" ")
        if scheme.lower() not in _SCHEMES or not token or " " in token:
            raise InvalidToken("Send the access token as DPoP or Bearer.")
        return _SCHEMES[scheme.lower()], token
    found = text(read_form(request), "access_token") if request.body else None
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


async def _answer(server: Server, tx: Transaction, claims: AccessClaims, proof: Proof | None) -> _Answer:
    """Of the person only what token and consent both cover; a token that is about no person gets nothing."""
    await burn(tx, burn_of(proof), server.now(), server.settings.burned_capacity)
    live = await live_token(server, tx, claims)
    client = await tx.clients.get(claims.client_id)
    if live is None or client is None:
        raise InvalidToken("The access token is not valid.")
    person = await tx.people.by_id(live.stands.state.person)
    if person is None:
        raise InsufficientScope("This token is about no person.", detail="a client's own access")
    agreed = about_person.covered_by(live.stands.version.scope) & about_person.covered_by(claims.scope)
    told = about_person.values(person, (claim for claim in about_person.CLAIMS if claim in agreed))
    return _Answer({"sub": claims.sub, **told}, client)


def _as_registered(server: Server, answer: _Answer) -> Response:
    """JSON, or signed for this client where it is registered so (OIDC Core §5.3.2)."""
    alg = answer.client.algorithms.userinfo
    if alg is None:
        return json_response(answer.claims)
    claims: dict[str, Any] = {**answer.claims, "iss": server.issuer, "aud": answer.client.id}
    body = server.keys.for_alg(alg).sign_jws(orjson.dumps(claims), TYP)
    return Response(200, body.encode(), ((b"content-type", b"application/jwt"), *NOT_KEPT))


def _challenge(error: OAuthError) -> Response:
    """RFC 6750 §3 and RFC 9449 §7.1: both schemes are offered, each with the error."""
    status = 401 if isinstance(error, (InvalidDpopProof, UseDpopNonce)) else error.status
    challenge = f'DPoP error="{error.code}", Bearer error="{error.code}"'.encode()
    body = {"error": error.code, "error_description": error.message}
    return json_response(body, status, (b"www-authenticate", challenge))
