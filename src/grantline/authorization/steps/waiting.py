"""Keeps a request that no browser brought, for two who never meet here: the person who answers, the client who asks."""

from collections.abc import Collection
from typing import TypeVar

from grantline.authorization.elsewhere import ElsewhereRow, Side, handle_for
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import (
    BackchannelTicket,
    DeviceTicket,
    Elsewhere,
    RequestTicket,
    TicketHandle,
    digest_of,
    keep,
)
from grantline.crypto.encoding import b64url
from grantline.model.errors import UnauthorizedClient
from grantline.parties import Client

_ID_BYTES = 32
Collected = TypeVar("Collected", DeviceTicket, BackchannelTicket)


def require_grant(client: Client, name: str) -> None:
    """Raise `UnauthorizedClient` unless the client is registered for this grant type."""
    if name not in client.grants:
        raise UnauthorizedClient("This client is not registered for this grant type.")


def only(form: Form, names: Collection[str]) -> Form:
    """The parameters that such requests have; the others of an authorization request are ignored (RFC 6749 §3.1)."""
    return {name: value for name, value in form.items() if name in names}


def new_id(server: Server) -> str:
    """A new row's name: 256 random bits."""
    return b64url(server.randomness(_ID_BYTES))


def new_row(server: Server, asked: Elsewhere, request: RequestTicket, lifetime: int) -> ElsewhereRow:
    """The row that joins both tickets, for `lifetime` seconds."""
    return ElsewhereRow(
        id=asked.id,
        way=asked.way,
        client=request.client,
        waits_for=None,
        user_code=None,
        created_at=request.created_at,
        expires_at=request.created_at + lifetime,
        interval=server.settings.poll_interval,
    )


async def keep_waiting(
    server: Server,
    tx: Transaction,
    row: ElsewhereRow,
    request: RequestTicket,
    collected: Collected,
) -> str:
    """Keep all three, the request tied to whom it waits for, where that is known; the handle of the client."""
    key = server.keys.refresh
    ours, theirs = (TicketHandle(handle_for(key, row.id, side)) for side in (Side.PERSON, Side.CLIENT))
    await keep(tx.tickets, ours, request, row.expires_at)
    await keep(tx.tickets, theirs, collected, row.expires_at)
    await tx.elsewhere.put(row)
    if row.waits_for is not None:
        await tx.tickets.bind(TicketKind.REQUEST, digest_of(TicketKind.REQUEST, ours), row.waits_for)
    return theirs
