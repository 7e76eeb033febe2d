"""The client gives a token back (RFC 7009): gateways hear of it through the feed. The consent stays."""

from typing import Annotated, NamedTuple

import msgspec

from grantline.authorization.events import about_consent
from grantline.authorization.families import end_family
from grantline.authorization.http import JSON, Request, Response
from grantline.authorization.parameters import read_form, read_into
from grantline.authorization.server import Server
from grantline.authorization.steps.client import authenticate_client
from grantline.authorization.steps.stands import REVOKED, revoked_digest
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import opaque, refresh
from grantline.authorization.units import burn, write
from grantline.model.errors import InvalidToken
from grantline.model.events import EventType, jti_hash
from grantline.model.feed import Kind, NewEntry
from grantline.model.ids import ConsentId, TokenId
from grantline.model.reasons import Reason
from grantline.parties import Client


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends."""

    token: Annotated[str, msgspec.Meta(max_length=8_192)]
    token_type_hint: str | None = None


class Ending(NamedTuple):
    """An access token that is to end. `expires_at`: unix seconds. `made_from`: the token that takes it along."""

    jti: TokenId
    consent: ConsentId
    expires_at: int
    made_from: TokenId | None = None


async def revoke(server: Server, request: Request) -> Response:
    """Answer one revocation request: 200 also for a token that is unknown, over or another's (RFC 7009 §2.2)."""
    form = read_form(request)
    caller = await authenticate_client(server, request, form)
    parameters = read_into(Parameters, form)

    async def unit(tx: Transaction) -> None:
        await burn(tx, caller.burns, server.now(), server.settings.burned_capacity)
        presented = refresh.read(parameters.token)
        if presented is not None:
            await _end_refresh(server, tx, caller.client, presented)
        else:
            await _end_access(server, tx, caller.client, parameters.token)

    # Giving back ends something: it is never refused for want of room or record (AUDIT §5.2).
    await write(server.work, unit, essential=True)
    return Response(200, b"", JSON)


async def _end_refresh(server: Server, tx: Transaction, caller: Client, presented: refresh.Presented) -> None:
    """A refresh token takes its whole family along, access tokens included (check 119)."""
    family = await tx.families.get(presented.family)
    if family is None or family.client != caller.id or not refresh.is_genuine(server, family, presented):
        return
    why = "revoked_by_client"
    if await end_family(server, tx, family.family, family.consent, why=why, finding=False):
        await _tell(server, tx, family.consent, None)


async def _end_access(server: Server, tx: Transaction, caller: Client, token: str) -> None:
    try:
        claims = await opaque.read(server, tx, token)
    except InvalidToken:
        return
    if claims.client_id != caller.id:
        return
    await _end_with_descendants(server, tx, Ending(claims.jti, claims.grant_id, claims.exp))


async def _end_with_descendants(server: Server, tx: Transaction, given_back: Ending) -> None:
    """Everything that was made from it, at whatever distance, ends in the same unit (check 150)."""
    ending = [given_back]
    while ending:
        token = ending.pop()
        if await _end(server, tx, token):
            made = await tx.exchanged.made_from(token.jti)
            ending += [Ending(one.token, one.consent, one.expires_at, token.jti) for one in made]


async def _end(server: Server, tx: Transaction, token: Ending) -> bool:
    # Kept without a bound: giving something back is never refused for want of room.
    if not await tx.burned.keep(REVOKED, revoked_digest(token.jti), token.expires_at):
        return False
    until = token.expires_at + server.settings.clock_skew
    await tx.feed.append(NewEntry(kind=Kind.TOKEN, id=token.jti, cause=Reason.TOKEN_INVALID, until=until))
    await _tell(server, tx, token.consent, token)
    return True


async def _tell(server: Server, tx: Transaction, consent: ConsentId, token: Ending | None) -> None:
    state = await tx.consents.get(consent)
    if state is None:
        return
    detail: dict[str, object] = {"kind": "refresh_token" if token is None else "access_token"}
    if token is not None and token.made_from is not None:
        detail["made_from"] = jti_hash(token.made_from)
    jti = None if token is None else token.jti
    await tx.outbox.append(
        about_consent(server, EventType.TOKEN_REVOKED, state, act="revoke", res="token", jti=jti, detail=detail)
    )
