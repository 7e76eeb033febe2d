"""Hands an answer over: to the browser that brought the request, or to who waits elsewhere for what the person said."""

import msgspec

from grantline.authorization import tickets
from grantline.authorization.elsewhere import Result, Side, handle_for
from grantline.authorization.response_modes import Delivery
from grantline.authorization.server import Server
from grantline.authorization.steps import finish
from grantline.authorization.store import Transaction
from grantline.authorization.tickets import KIND_OF_WAY, Answer, CodeTicket, Elsewhere, Kept, RequestTicket
from grantline.model.errors import OAuthError


async def with_code(server: Server, tx: Transaction, kept: Kept[RequestTicket], code: CodeTicket) -> Delivery:
    """Keep what was agreed until the client fetches its tokens, and give what takes the person on (checks 32 to 34)."""
    asked = kept.body.elsewhere
    if asked is not None:
        return await _left(server, tx, kept, asked, Answer(code=code))
    handle = tickets.new_handle(server.randomness)
    await tickets.keep(tx.tickets, handle, code, server.now() + server.settings.code_lifetime)
    return finish.with_code(server, kept.body.back, handle)


async def with_error(server: Server, tx: Transaction, kept: Kept[RequestTicket], error: OAuthError) -> Delivery:
    """The same for a request that ends without an agreement."""
    asked = kept.body.elsewhere
    if asked is not None:
        return await _left(server, tx, kept, asked, Answer(error=error.code))
    return finish.with_error(server, kept.body.back, error)


async def _left(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], asked: Elsewhere, answer: Answer
) -> Delivery:
    """The client finds it when it asks next; whoever is to be told is told at once."""
    kind, key = KIND_OF_WAY[asked.way], server.keys.refresh
    digest = tickets.digest_of(kind, handle_for(key, asked.id, Side.CLIENT))
    await tx.tickets.note(kind, digest, msgspec.json.encode(answer))
    result = Result.REFUSED if answer.code is None else Result.ALLOWED
    await tx.elsewhere.answered(asked.id, kept.row.bound or "", result, server.now() if asked.told else None)
    return Delivery(server.pages.answered(handle_for(key, asked.id, Side.PERSON)))
