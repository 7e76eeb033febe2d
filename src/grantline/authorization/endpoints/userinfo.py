"""Says again who the person is, to who holds a token with `openid` (OIDC Core §5.3)."""

from dataclasses import dataclass
from typing import Any

import orjson

from grantline.authorization.http import NOT_KEPT, Request, Response, json_response
from grantline.authorization.server import Server
from grantline.authorization.steps.access_token import Presented, challenge, presented
from grantline.authorization.steps.dpop import burn_of
from grantline.authorization.steps.stands import live_token
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import about_person
from grantline.authorization.units import burn, write
from grantline.model.errors import InsufficientScope, InvalidToken, OAuthError
from grantline.parties import Client

OPENID = "openid"
TYP = "JWT"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is told, and to whom."""

    claims: dict[str, str]
    client: Client


async def userinfo(server: Server, request: Request) -> Response:
    """The same `sub` as in the ID token, and what the consent covers besides (check 120)."""
    try:
        token = await presented(server, request, in_body=True)
        if server.issuer not in token.claims.aud or OPENID not in token.claims.scope.split():
            raise InsufficientScope("This token was not made for this; ask for the scope openid.")
        answer = await write(server.work, lambda tx: _answer(server, tx, token))
        return _as_registered(server, answer)
    except OAuthError as error:
        return challenge(error)


async def _answer(server: Server, tx: Transaction, token: Presented) -> _Answer:
    """Of the person only what token and consent both cover; a token that is about no person gets nothing."""
    claims = token.claims
    await burn(tx, burn_of(token.proof), server.now(), server.settings.burned_capacity)
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
