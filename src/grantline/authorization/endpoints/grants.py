"""A client asks what one of its grants holds, or gives it back (Grant Management §6). Confidential clients only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from grantline.authorization.endpoints.paths import GRANTS
from grantline.authorization.families import end_families
from grantline.authorization.http import NOT_KEPT, Request, Response, json_response
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.steps.access_token import Presented, challenge, presented
from grantline.authorization.steps.dpop import burn_of
from grantline.authorization.steps.grant_action import own_grant
from grantline.authorization.steps.request import QUERY, REVOKE
from grantline.authorization.steps.stands import live_token
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import about_person
from grantline.authorization.units import burn, write
from grantline.catalog import Catalog, to_detail
from grantline.consent import NARROWER_TEMPLATE
from grantline.model.consent import Version
from grantline.model.errors import InsufficientScope, InvalidGrantId, InvalidToken, OAuthError
from grantline.model.ids import ConsentId

T = TypeVar("T")
_LONGEST = 100
WHY = "given back by the client"


class GrantedScopes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Scopes (space separated) and the resources for which they were granted; none for those about the person."""

    scope: str
    resource: tuple[str, ...] = ()


class GrantStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant holds now (§6.4). Times in unix seconds; `claims`: names alone, never their values.

    `updated_by`: `client` when it was asked for, `authorization_server` when the person narrowed it here.
    The draft names the last change `last_updated` in its text and `last_updated_at` in its example: both are told.
    """

    scopes: tuple[GrantedScopes, ...]
    claims: tuple[str, ...]
    authorization_details: tuple[dict[str, Any], ...]
    created_at: int
    last_updated: int
    last_updated_at: int
    expires_at: int
    updated_by: str


@dataclass(frozen=True, slots=True)
class _Call:
    """What is wanted of which grant, and by which token. `scope`: what the token has to have."""

    token: Presented
    scope: str
    grant: ConsentId


async def grant(server: Server, request: Request) -> Response:
    """`GET` tells, `DELETE` ends; 404 for a grant that is unknown, ended or not this client's, without saying which."""
    act = _revoke if request.method == "DELETE" else _query
    try:
        return await act(server, await presented(server, request), _named(request))
    except InvalidGrantId:
        return json_response({"error": "not_found"}, 404)
    except OAuthError as error:
        return challenge(error)


async def _query(server: Server, token: Presented, name: ConsentId) -> Response:
    async def unit(tx: Transaction, stands: Stands) -> GrantStatus:
        first = await tx.consents.version(name, 1)
        assert first is not None
        return describe(server.catalog(), first, stands.version)

    told = await write(server.work, lambda tx: _do(server, tx, _Call(token, QUERY, name), unit))
    return json_response(msgspec.to_builtins(told))


async def _revoke(server: Server, token: Presented, name: ConsentId) -> Response:
    async def unit(tx: Transaction, _: Stands) -> None:
        await server.consents.revoke(tx, consent=name, by="client", why=WHY)
        await end_families(server, tx, name, why="grant_revoked")

    # It ends something: never refused for want of room or record (AUDIT §5.2).
    await write(server.work, lambda tx: _do(server, tx, _Call(token, REVOKE, name), unit), essential=True)
    return Response(204, b"", NOT_KEPT)


def describe(catalog: Catalog, first: Version, version: Version) -> GrantStatus:
    """The grant in its current version. `first`: how it began."""
    return GrantStatus(
        scopes=_scopes(catalog, version),
        claims=tuple(claim for claim in about_person.CLAIMS if claim in about_person.covered_by(version.scope)),
        authorization_details=tuple(msgspec.to_builtins(to_detail(item)) for item in version.granted),
        created_at=first.not_before,
        last_updated=version.not_before,
        last_updated_at=version.not_before,
        expires_at=version.expires_at,
        updated_by="authorization_server" if version.notice.template == NARROWER_TEMPLATE else "client",
    )


def _scopes(catalog: Catalog, version: Version) -> tuple[GrantedScopes, ...]:
    """By resource: which of the named scopes hold something there; then those about the person."""
    named = version.scope.split()
    places = dict.fromkeys(place for item in version.granted for place in item.locations)
    by_place = {place: [one for one in named if place in _places(catalog, one)] for place in places}
    ours = [one for one in named if one not in catalog.file.scopes]
    there = tuple(GrantedScopes(" ".join(scopes), (place,)) for place, scopes in by_place.items() if scopes)
    return (*there, GrantedScopes(" ".join(ours))) if ours else there


def _places(catalog: Catalog, scope: str) -> set[str]:
    items = catalog.scope_items((scope,)) if scope in catalog.file.scopes else ()
    return {place for item in items for place in item.locations}


async def _do(server: Server, tx: Transaction, call: _Call, act: Callable[[Transaction, Stands], Awaitable[T]]) -> T:
    """Do it, if the token counts now and its client is still registered for the scope, on a grant of that client."""
    claims, scope = call.token.claims, call.scope
    await burn(tx, burn_of(call.token.proof), server.now(), server.settings.burned_capacity)
    if await live_token(server, tx, claims) is None:
        raise InvalidToken("The access token is not valid.")
    client = await tx.clients.get(claims.client_id)
    wanted = server.issuer in claims.aud and scope in claims.scope.split()
    if not wanted or client is None or not client.confidential or scope not in client.scopes:
        raise InsufficientScope(f"This needs a token of the client itself with the scope {scope}.")
    return await act(tx, await own_grant(server, tx, claims.client_id, call.grant))


def _named(request: Request) -> ConsentId:
    name = request.path.removeprefix(GRANTS).removeprefix("/")
    if not 0 < len(name) <= _LONGEST or "/" in name:
        raise InvalidGrantId("There is no such grant.")
    return ConsentId(name)
