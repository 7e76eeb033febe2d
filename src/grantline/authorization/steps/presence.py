"""Is the right person here, recently enough, and is there anything left to decide (OIDC Core §3.1.2.3)?"""

from dataclasses import dataclass

from grantline.authorization import tickets
from grantline.authorization.response_modes import Delivery
from grantline.authorization.server import Server
from grantline.authorization.steps import answering, codes
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, RequestTicket
from grantline.identity import MET_BY, Session, satisfies
from grantline.model.errors import (
    AccessDenied,
    ConsentRequired,
    InvalidGrantId,
    LoginRequired,
    NotFound,
    OAuthError,
    UnmetAuthenticationRequirements,
)
from grantline.parties import Client, is_trustworthy_redirect

ANEW = frozenset({"login", "select_account"})
"""Values of `prompt` that a sign-in of before does not answer."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody has to sign in, or to do it again. `acr`: the levels asked for, best first."""

    acr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decide:
    """The person has to be asked."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Back to the client, without a page of ours."""

    answer: Delivery


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
    if session is None:
        return await _sign_in(server, tx, kept)
    require_whose(kept, session)
    wrong = _unmet(kept, session)
    if wrong is not None:
        return await _deliver(server, tx, kept, wrong)
    if not is_recent(kept, session) or _may_be_stronger(kept, session):
        return await _sign_in(server, tx, kept)
    if not is_hinted(server, kept.body, client, session):
        return await _deliver(server, tx, kept, LoginRequired("Another person is signed in here."))
    if not await is_theirs(tx, kept.body, session):
        return await _deliver(server, tx, kept, InvalidGrantId("The person signed in here did not give this grant."))
    return await _decide(server, tx, kept, client, session)


async def is_theirs(tx: Transaction, request: RequestTicket, session: Session) -> bool:
    """True unless the request is to change a grant that another person gave (Grant Management §5.4)."""
    state = None if request.grant is None else await tx.consents.get(request.grant)
    return state is None or state.person == session.person


async def _decide(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session
) -> Decide | Deliver:
    """The right person is here: ask, unless they answered this very question before."""
    if "consent" not in kept.body.prompt and _may_be_silent(client, kept.body):
        again = await _again(server, tx, kept, client, session)
        if again is not None:
            return again
    if "none" in kept.body.prompt:
        return await _deliver(server, tx, kept, ConsentRequired("The person has to be asked first."))
    return Decide()


async def _sign_in(server: Server, tx: Transaction, kept: Kept[RequestTicket]) -> SignIn | Deliver:
    """To the sign-in; under `prompt=none` nobody is shown it (check 15)."""
    if "none" in kept.body.prompt:
        return await _deliver(server, tx, kept, LoginRequired("Nobody is signed in here as it was asked for."))
    return SignIn(kept.body.acr)


async def _again(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session
) -> Deliver | None:
    """The answer of before, or why policy forbids it by now; None if there is none."""
    try:
        answer = await codes.deliver_again(server, tx, kept, client, session)
    except AccessDenied as denied:
        return await _deliver(server, tx, kept, denied)
    return None if answer is None else Deliver(answer)


def is_recent(kept: Kept[RequestTicket], session: Session) -> bool:
    """True if this sign-in is recent enough for the request (checks 16, 17).

    `prompt=login`: it is another session than the browser came with; a sign-in always begins a new one. So it is for
    `select_account`: a browser here has one person at a time, and another is chosen by signing in.
    `max_age`: counted to the time of the request, so that thinking about the answer costs nothing.
    """
    if not ANEW.isdisjoint(kept.body.prompt) and not _is_new(kept, session):
        return False
    return satisfies(session, (), kept.body.max_age, kept.body.created_at)


def is_strong(kept: Kept[RequestTicket], session: Session) -> bool:
    """True unless the client cannot do without a level that this sign-in does not have (check 19)."""
    return not kept.body.acr_essential or satisfies(session, kept.body.acr, None, kept.body.created_at)


def _may_be_stronger(kept: Kept[RequestTicket], session: Session) -> bool:
    """True while another sign-in might reach a level asked for (RFC 9470 §4, check 57).

    Asked once, by the page; who then signs in as they can has answered. A wish alone asks nothing under `prompt=none`.
    """
    if _is_new(kept, session) or satisfies(session, kept.body.acr, None, kept.body.created_at):
        return False
    return kept.body.acr_essential or "none" not in kept.body.prompt


def _is_new(kept: Kept[RequestTicket], session: Session) -> bool:
    """True if this sign-in was made for this request."""
    return kept.row.arrived not in {None, session.id}


def _unmet(kept: Kept[RequestTicket], session: Session) -> UnmetAuthenticationRequirements | None:
    """What to say where no sign-in here can be what the client cannot do without, or the one just made is not."""
    if is_strong(kept, session):
        return None
    if not any(MET_BY.get(value) for value in kept.body.acr):
        return UnmetAuthenticationRequirements("No sign-in here is of the level that was asked for.")
    if _is_new(kept, session) and is_recent(kept, session):
        return UnmetAuthenticationRequirements("The person signed in, but not as it was asked for.")
    return None


def require_whose(kept: Kept[RequestTicket], session: Session) -> None:
    """Raise `NotFound` for a request from elsewhere until it is this person's.

    It becomes theirs by the code that they typed and compared, or by the client's hint; a link to it does nothing.
    """
    if kept.body.elsewhere is not None and kept.row.bound != session.person:
        raise NotFound("This request is no longer open.", detail="not this person's")


def is_hinted(server: Server, ticket: RequestTicket, client: Client, session: Session) -> bool:
    """True unless the client expects somebody else (check 18)."""
    return ticket.hint is None or ticket.hint == server.keys.pairwise.towards(client, session.person)


def _may_be_silent(client: Client, ticket: RequestTicket) -> bool:
    """A loopback or private-scheme address proves nobody, so a public client there always asks (checks 41, 42).

    Neither does who asks from elsewhere: whoever made the request need not be who answers it (check 144).
    """
    if ticket.elsewhere is not None:
        return False
    return client.confidential or is_trustworthy_redirect(ticket.redirect_uri)


async def _deliver(server: Server, tx: Transaction, kept: Kept[RequestTicket], error: OAuthError) -> Deliver:
    await tx.tickets.redeem(TicketKind.REQUEST, kept.digest, server.now(), error.code)
    return Deliver(await answering.with_error(server, tx, kept, error))
