"""Whom a client means that names somebody by the back channel, without learning who is here (CIBA §7.1, check 145)."""

import hashlib

from grantline.authorization.server import Server
from grantline.authorization.steps.backchannel_request import Hint
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import id_token
from grantline.identity import PersonRow
from grantline.model.errors import InvalidRequest, UnknownUserId
from grantline.model.ids import SubjectId
from grantline.parties import Client


async def who_is_meant(server: Server, tx: Transaction, client: Client, hint: Hint) -> str:
    """The person; a name that is nobody's where a `login_hint` finds none, or one who is locked.

    That request then waits like any other, and nobody is asked: clients could try names otherwise. An ID token is
    different, because its client knew the person before: raises `UnknownUserId`, or `InvalidRequest` for another.
    """
    if hint.id_token is not None:
        return await _of_id_token(server, tx, client, hint.id_token)
    name = (hint.login or "").strip().casefold()
    person = await _by_name(tx, name)
    if person is None or person.locked_at is not None:
        return f"nobody:{hashlib.sha256(name.encode()).hexdigest()}"
    return person.id


async def _by_name(tx: Transaction, name: str) -> PersonRow | None:
    """By user name, or by an address that only one person has."""
    found = await tx.people.by_username(name)
    if found is not None or "@" not in name:
        return found
    several = await tx.people.by_email(name)
    return several[0] if len(several) == 1 else None


async def _of_id_token(server: Server, tx: Transaction, client: Client, token: str) -> str:
    shown = id_token.read_hint(server, token)
    if shown is None or shown.aud != client.id:
        raise InvalidRequest("id_token_hint is not an ID token of this server for this client.")
    person = await _by_subject(server, tx, client, shown.sub)
    if person is None or person.locked_at is not None:
        raise UnknownUserId("This person cannot be asked.")
    return person.id


async def _by_subject(server: Server, tx: Transaction, client: Client, subject: SubjectId) -> PersonRow | None:
    """Names towards clients are only made, never taken apart: who has one has agreed to something of this client."""
    for state in await tx.consents.of_subject(subject, client.client_id):
        if server.keys.pairwise.towards(client, state.person) == subject:
            return await tx.people.by_id(state.person)
    return None
