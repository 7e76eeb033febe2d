"""Tells who may know whether a token is good, and what it stands on (RFC 7662). Others learn `active: false`."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from grantline.authorization.events import about_client
from grantline.authorization.families import idle_of, is_over
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.looked_up import is_told, tell_once
from grantline.authorization.parameters import read_form, read_into
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands, find_standing
from grantline.authorization.steps.client import Authenticated, authenticate_client
from grantline.authorization.steps.stands import live_token
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import access, introspection_answer, opaque, refresh
from grantline.authorization.units import burn, write
from grantline.catalog import to_detail
from grantline.model.errors import InvalidClient, InvalidToken
from grantline.model.events import EventType
from grantline.model.token import token_type
from grantline.parties import Client

INACTIVE: dict[str, Any] = {"active": False}


class Parameters(msgspec.Struct, frozen=True):
    """What the caller sends. The hint is not needed: our tokens tell themselves apart."""

    token: Annotated[str, msgspec.Meta(max_length=8_192)]
    token_type_hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the caller may know: the answer, the consent, and the token's name for the record."""

    body: dict[str, Any]
    stands: Stands
    jti: str | None


async def introspect(server: Server, request: Request) -> Response:
    """Answer one introspection request; nothing in the answer says why a token is not active (check 117)."""
    form = read_form(request)
    caller = await authenticate_client(server, request, form)
    if not caller.client.confidential:
        raise InvalidClient("Introspection is for clients that prove who they are.")
    answer = msgspec.to_builtins(await _answer(server, caller, read_into(Parameters, form).token))
    signed = introspection_answer.is_asked_for(request)
    return introspection_answer.sign(server, caller.client, answer) if signed else json_response(answer)


async def _answer(server: Server, caller: Authenticated, token: str) -> dict[str, Any]:
    """What the caller may know. Nothing is written where the record has it already and nothing is used up."""

    async def recorded(tx: Transaction) -> _Known | None:
        known = await _look(server, tx, caller.client, token)
        told = known is not None and await is_told(server, tx, caller.client.id, known.stands.state)
        return known if told else None

    async def unit(tx: Transaction) -> dict[str, Any]:
        await burn(tx, caller.burns, server.now(), server.settings.burned_capacity)
        known = await _look(server, tx, caller.client, token)
        await _record(server, tx, caller.client, known)
        return INACTIVE if known is None else known.body

    known = None if caller.burns else await server.work.read(recorded)
    return await write(server.work, unit) if known is None else known.body


async def _look(server: Server, tx: Transaction, caller: Client, token: str) -> _Known | None:
    presented = refresh.read(token)
    if presented is not None:
        return await _look_at_refresh(server, tx, caller, presented)
    try:
        claims = await opaque.read(server, tx, token)
    except InvalidToken:
        return None
    if caller.id != claims.client_id and not set(caller.audience) & set(claims.aud):
        return None
    live = await live_token(server, tx, claims)
    if live is None:
        return None
    # An API learns the details that are its own, the client all of its token (RFC 9396 §9.1).
    audience = claims.aud if caller.id == claims.client_id else tuple(set(caller.audience) & set(claims.aud))
    details = [to_detail(item) for item in access.items_for(live.stands, audience)]
    body = {**msgspec.to_builtins(claims), "active": True, "authorization_details": details}
    body["token_type"] = token_type(claims.cnf)
    return _Known(body, live.stands, claims.jti)


async def _look_at_refresh(
    server: Server, tx: Transaction, caller: Client, presented: refresh.Presented
) -> _Known | None:
    """Only the client it was given to learns of a refresh token, and only of its last one."""
    now = server.now()
    family = await tx.families.get(presented.family)
    if family is None or family.client != caller.id or not refresh.is_genuine(server, family, presented):
        return None
    idle = idle_of(server.settings, caller)
    if presented.generation != family.generation or is_over(family, now, idle):
        return None
    stands = await find_standing(server, tx, family.consent)
    if stands is None:
        return None
    told = refresh.lifetimes(
        family, presented.generation, idle=idle, consent_ends=stands.version.expires_at, now=now
    )  # fmt: skip
    body = {
        "active": True,
        "client_id": family.client,
        "sub": stands.state.subject,
        "scope": family.scope,
        "grant_id": family.consent,
        "exp": now + told["refresh_token_expires_in"],
        **told,
    }
    return _Known(body, stands, None)


async def _record(server: Server, tx: Transaction, caller: Client, known: _Known | None) -> None:
    """One event for each caller, grant and minute; refusals singly."""
    if known is None:
        await tx.outbox.append(
            about_client(
                server, EventType.TOKEN_INTROSPECTED, caller.client_id, act="introspect", res="token", out="deny",
                rsn="inactive",
            )
        )  # fmt: skip
        return
    await tell_once(server, tx, caller.id, known.stands.state, known.jti)
