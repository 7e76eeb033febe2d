"""The token endpoint (RFC 6749 §3.2): parse, who is the client, which grant; then verify, redeem, mint and record in
one transaction; sign and answer only when that is durable."""

from dataclasses import dataclass
from typing import Any

import msgspec

from grantline.authorization.events import issued
from grantline.authorization.families import idle_of
from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming, grants
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.parameters import Form, read_form, read_into, text
from grantline.authorization.server import Server
from grantline.authorization.steps.client import Authenticated, authenticate_client
from grantline.authorization.steps.dpop import burn_of, read_proof
from grantline.authorization.steps.holder import HOLDER_PROOF
from grantline.authorization.steps.request import OFFLINE, OPENID
from grantline.authorization.store import ExchangedRow, Transaction
from grantline.authorization.tokens import access, id_token, opaque, refresh
from grantline.authorization.units import burn, write
from grantline.catalog import to_detail
from grantline.crypto.dpop import Proof
from grantline.model.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidRequest,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from grantline.model.feed import Position
from grantline.model.token import AccessClaims, token_type
from grantline.parties import Client

_NOT_HERE = ("authorization_details", "request", "request_uri")


@dataclass(frozen=True, slots=True)
class Asked:
    """A token request with everything known that is not in the database.

    `holder_proofs`: values of `Subject-DPoP`. `prepared`: by the grant, before the transaction. `x5t`: of the
    certificate it came with.
    """

    grant: Grant
    parameters: Any
    client: Authenticated
    proof: Proof | None
    holder_proofs: tuple[str, ...] = ()
    prepared: object = None
    x5t: str | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """What the transaction decided; the signatures follow when it is durable.

    `idle`: seconds for which a refresh token may lie unused, None for as long as it lasts. `opaque`: the access token,
    if it needs no signature.
    """

    authorized: Authorized
    claims: AccessClaims
    id_token: id_token.Draft | None
    idle: int | None
    opaque: str | None = None


async def token(server: Server, request: Request) -> Response:
    """Answer one token request."""
    form = read_form(request)
    client = await authenticate_client(server, request, form)
    grant = choose_grant(client.client, form)
    parameters = read_into(grant.parameters, form)
    proof = read_proof(server, request)
    require_holder_of_key(client.client, proof, request.x5t)

    prepared = None if grant.prepare is None else await grant.prepare(server, client.client, parameters)
    asked = Asked(grant, parameters, client, proof, request.values(HOLDER_PROOF), prepared, request.x5t)
    return answer(server, await write(server.work, lambda tx: redeem(server, tx, asked)))


def choose_grant(client: Client, form: Form) -> Grant:
    """The grant asked for, if this client is registered for it."""
    name = text(form, "grant_type")
    if name is None:
        raise InvalidRequest("The parameter grant_type is missing.")
    grant = grants().get(name)
    if grant is None:
        raise UnsupportedGrantType("There is no such grant type here.")
    if any(parameter in form for parameter in _NOT_HERE if parameter not in grant.parameters.__struct_fields__):
        raise InvalidRequest("What a token may do was settled before; leave authorization_details and request out.")
    if name not in client.grants:
        raise UnauthorizedClient("This client is not registered for this grant type.")
    if grant.client_auth is ClientAuth.REQUIRED and not client.confidential:
        raise InvalidClient("This grant type needs a client that proves itself.")
    return grant


def require_holder_of_key(client: Client, proof: Proof | None, x5t: str | None) -> None:
    """A client registered as bound to a key or a certificate never gets a bearer token. Registered for both: either."""
    if proof is not None or not client.sender_constrained or (client.certificate_bound and x5t is not None):
        return
    if client.dpop_bound:
        raise InvalidDpopProof("This client's tokens are bound to a key; send a DPoP proof.")
    raise InvalidRequest("This client's tokens are bound to its certificate; use the address that asks for one.")


async def redeem(server: Server, tx: Transaction, asked: Asked) -> Minted:
    """Everything that changes, in one transaction. The feed's place is read before the state it stands on."""
    now = server.now()
    position = await tx.feed.position()
    await burn(tx, (*asked.client.burns, *burn_of(asked.proof)), now, server.settings.burned_capacity)
    jkt = None if asked.proof is None else asked.proof.jkt
    redeeming = Redeeming(
        server, tx, asked.client.client, jkt, now, asked.x5t, asked.holder_proofs, prepared=asked.prepared
    )
    authorized = await asked.grant.authorize(redeeming, asked.parameters)
    claims = access.draft(server, _wanted(asked.client.client, authorized, position))
    delegated = authorized.delegated
    name = await _name(server, tx, claims)
    if delegated is not None and name is None:
        access.require_small(claims)
    if delegated is not None and delegated.made_from is not None:
        await tx.exchanged.add(ExchangedRow(claims.jti, delegated.made_from, claims.grant_id, claims.exp))
    more = {} if delegated is None else delegated.detail
    await tx.outbox.append(issued(server, authorized.event, authorized.stands, claims, more))
    client = asked.client.client
    idle = idle_of(server.settings, client)
    return Minted(authorized, claims, await _id_token(server, tx, client, authorized), idle, name)


async def _name(server: Server, tx: Transaction, claims: AccessClaims) -> str | None:
    """The opaque token of these claims, where one of their audiences asks for such; it counts when this is durable."""
    if not server.catalog().asks_for_opaque(claims.aud):
        return None
    name = opaque.new_token(server.randomness)
    await opaque.keep(tx, name, claims)
    return name


async def _id_token(server: Server, tx: Transaction, client: Client, authorized: Authorized) -> id_token.Draft | None:
    occasion = authorized.sign_in
    if occasion is None or OPENID not in authorized.scope.split():
        return None
    return await id_token.draft(server, tx, client, authorized.stands, occasion)


def _wanted(client: Client, authorized: Authorized, position: Position) -> access.Wanted:
    own, delegated = authorized.family, authorized.delegated
    signed_in = authorized.sign_in or delegated
    return access.Wanted(
        stands=authorized.stands,
        position=position,
        # That the client may refresh is no access, so it is told in the answer and stands in no token.
        scope=" ".join(scope for scope in authorized.scope.split() if scope != OFFLINE),
        resources=authorized.resources,
        family=own.family if own is not None else delegated.family if delegated is not None else None,
        cnf=authorized.cnf,
        not_after=None if delegated is None else delegated.not_after,
        act=None if delegated is None else delegated.act,
        may_act=None if client.may_act is None else {"sub": client.may_act},
        acr=None if signed_in is None else signed_in.acr,
        auth_time=None if signed_in is None else signed_in.auth_time,
    )


def answer(server: Server, minted: Minted) -> Response:
    """The tokens, with the enriched details and the consent they stand on (RFC 6749 §5.1, RFC 9396 §7)."""
    authorized, claims = minted.authorized, minted.claims
    token = minted.opaque or access.sign(server, claims)
    items = access.items_for(authorized.stands, claims.aud)
    body: dict[str, Any] = {
        "access_token": token,
        "token_type": token_type(claims.cnf),
        "expires_in": claims.exp - claims.iat,
        "scope": authorized.scope,
        "authorization_details": [to_detail(item) for item in items],
        "grant_id": claims.grant_id if authorized.family is None else authorized.family.consent,
    }
    if authorized.delegated is not None:
        body["issued_token_type"] = authorized.delegated.issued_token_type
    if authorized.family is not None and authorized.refresh is not None:
        body["refresh_token"] = refresh.make(server, authorized.family, authorized.refresh)
        body |= refresh.lifetimes(
            authorized.family, authorized.refresh, idle=minted.idle, now=claims.iat,
            consent_ends=authorized.stands.version.expires_at,
        )  # fmt: skip
    if minted.id_token is not None:
        body["id_token"] = id_token.sign(server, minted.id_token, token)
    return json_response(msgspec.to_builtins(body))
