"""Is the right person here, recently enough, and is there anything left to decide (OIDC Core §3.1.2.3)?"""

from dataclasses import dataclass

from grantline.authorization import tickets
from grantline.authorization.server import Server
from grantline.authorization.steps import codes, finish
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, RequestTicket
from grantline.identity import Session
from grantline.model.errors import AccessDenied, ConsentRequired, LoginRequired, OAuthError
from grantline.parties import Client, is_trustworthy_redirect


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody has to sign in, or to do it again."""


@dataclass(frozen=True, slots=True)
class Decide:
    """The person has to be asked."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Back to the client, without a page of ours."""

    url: str


async def next_for(server: Server, handle: str, session: Session | None) -> SignIn | Decide | Deliver:
    """What comes next for this request and browser; raises `NotFound` when the request is over."""

    async def unit(tx: Transaction) -> SignIn | Decide | Deliver:
        kept = await tickets.open_request(tx.tickets, handle, server.now())
        await tx.tickets.arrive(TicketKind.REQUEST, kept.digest, "" if session is None else session.id)
        kept = await tickets.open_request(tx.tickets, handle, server.now())
        client = await tx.clients.get(kept.body.client)
        if client is None:
            return await _deliver(server, tx, kept, LoginRequired("The client is gone."))
        return await _next(server, tx, kept, client, session)

    return await server.work.write(unit)


async def _next(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session | None
) -> SignIn | Decide | Deliver:
    silent = "none" in kept.body.prompt
    if session is None or not is_fresh(kept, session):
        if silent:
            return await _deliver(server, tx, kept, LoginRequired("Nobody is signed in here, or not recently enough."))
        return SignIn()
    if not is_hinted(server, kept.body, client, session):
        return await _deliver(server, tx, kept, LoginRequired("Another person is signed in here."))
    if "consent" not in kept.body.prompt and _may_be_silent(client, kept.body):
        again = await _again(server, tx, kept, client, session)
        if again is not None:
            return again
    if silent:
        return await _deliver(server, tx, kept, ConsentRequired("The person has to be asked first."))
    return Decide()


async def _again(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session
) -> Deliver | None:
    """The answer of before, or why policy forbids it by now; None if there is none."""
    try:
        url = await codes.deliver_again(server, tx, kept, client, session)
    except AccessDenied as denied:
        return await _deliver(server, tx, kept, denied)
    return None if url is None else Deliver(url)


def is_fresh(kept: Kept[RequestTicket], session: Session) -> bool:
    """True if this sign-in is recent enough for the request (checks 16, 17).

    `prompt=login`: it is another session than the browser came with; a sign-in always begins a new one.
    `max_age`: counted to the time of the request, so that thinking about the answer costs nothing.
    """
    ticket = kept.body
    if "login" in ticket.prompt and kept.row.arrived in {None, session.id}:
        return False
    return ticket.max_age is None or session.auth_time >= ticket.created_at - ticket.max_age


def is_hinted(server: Server, ticket: RequestTicket, client: Client, session: Session) -> bool:
    """True unless the client expects somebody else (check 18)."""
    return ticket.hint is None or ticket.hint == server.keys.pairwise.towards(client, session.person)


def _may_be_silent(client: Client, ticket: RequestTicket) -> bool:
    """A loopback or private-scheme address proves nobody, so a public client there always asks (checks 41, 42)."""
    return client.confidential or is_trustworthy_redirect(ticket.redirect_uri)


async def _deliver(server: Server, tx: Transaction, kept: Kept[RequestTicket], error: OAuthError) -> Deliver:
    await tx.tickets.redeem(TicketKind.REQUEST, kept.digest, server.now(), error.code)
    return Deliver(finish.with_error(server, kept.body, error))
