"""Whom a client means that names somebody by the back channel, without learning who is here (CIBA §7.1, check 145)."""

from grantline.authorization.rates import SlowDown
from grantline.authorization.server import Server
from grantline.authorization.steps.backchannel_request import Hint
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import id_token
from grantline.identity import PersonRow
from grantline.model.errors import InvalidRequest, UnknownUserId
from grantline.model.ids import SubjectId
from grantline.parties import Client

NOBODY = "nobody"
"""For whom a request waits that is not put to anybody; no person has this id."""


async def who_is_meant(server: Server, tx: Transaction, client: Client, hint: Hint) -> str:
    """The person; nobody where a `login_hint` finds none, one who is locked, or one whom this client presses already.

    That request then waits like any other, and nobody is asked: clients could try names otherwise. An ID token is
    different, because its client knew the person before: raises `UnknownUserId` or `SlowDown`, and `InvalidRequest`
    for no such token.
    """
    if hint.id_token is not None:
        person = await _of_id_token(server, tx, client, hint.id_token)
        if not await _has_room(server, tx, client, person):
            raise SlowDown("Too many requests to this person wait or were refused; try again later.")
        return person.id
    named = await _by_name(tx, (hint.login or "").strip().casefold())
    if named is None or named.locked_at is not None or not await _has_room(server, tx, client, named):
        return NOBODY
    return named.id


async def _has_room(server: Server, tx: Transaction, client: Client, person: PersonRow) -> bool:
    """So many at a time, unanswered or refused, and no more: nobody is worn down to a yes."""
    pressing = await tx.elsewhere.pressing(person.id, client.client_id, server.now())
    return pressing < server.settings.waiting_per_person


async def _by_name(tx: Transaction, name: str) -> PersonRow | None:
    """By user name, or by an address that only one person has."""
    found = await tx.people.by_username(name)
    if found is not None or "@" not in name:
        return found
    several = await tx.people.by_email(name)
    return several[0] if len(several) == 1 else None


async def _of_id_token(server: Server, tx: Transaction, client: Client, token: str) -> PersonRow:
    shown = id_token.read_hint(server, token)
    if shown is None or shown.aud != client.id:
        raise InvalidRequest("id_token_hint is not an ID token of this server for this client.")
    person = await _by_subject(server, tx, client, shown.sub)
    if person is None or person.locked_at is not None:
        raise UnknownUserId("This person cannot be asked.")
    return person


async def _by_subject(server: Server, tx: Transaction, client: Client, subject: SubjectId) -> PersonRow | None:
    """Names towards clients are only made, never taken apart: who has one has agreed to something of this client."""
    for state in await tx.consents.of_subject(subject, client.client_id):
        if server.keys.pairwise.towards(client, state.person) == subject:
            return await tx.people.by_id(state.person)
    return None
