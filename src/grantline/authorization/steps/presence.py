"""Is the right person here, recently enough, and is there anything left to decide (OIDC Core §3.1.2.3)?"""

from dataclasses import dataclass

import msgspec

from grantline.authorization import tickets
from grantline.authorization.response_modes import Delivery
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands, find_standing
from grantline.authorization.steps import answering, codes
from grantline.authorization.steps.posing import pose_at_once, posed_at_once
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, RequestTicket, TicketHandle
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


Coming = SignIn | Decide | Stands | OAuthError
"""What to do with whoever is here. `Stands`: they answered this very question before."""


async def next_for(
    server: Server, handle: str, session: Session | None, *, new: RequestTicket | None = None
) -> SignIn | Decide | Deliver:
    """What comes next for this request and browser; raises `NotFound` when the request is over.

    `new`: it has just come, and is kept under this handle. Who has to be asked finds the question put.
    """

    async def unit(tx: Transaction) -> SignIn | Decide | Deliver:
        if new is None:
            kept = await _arrived(tx, await tickets.open_request(tx.tickets, handle, server.now()), session)
        else:
            until = server.now() + server.settings.request_lifetime
            kept = tickets.to_keep(TicketHandle(handle), new, until, arrived=_came_with(session))
        client = await tx.clients.get(kept.body.client)
        if client is None or session is None:
            if new is not None:
                await tx.tickets.put(kept.row)
            nobody = LoginRequired("The client is gone.") if client is None else _sign_in(kept)
            return nobody if isinstance(nobody, SignIn) else await _deliver(server, tx, kept, nobody)
        step = await coming(server, tx, kept, client, session)
        if new is not None:
            kept = await posed_at_once(server, tx, kept, client, session) if step == Decide() else kept
            await tx.tickets.put(kept.row)
        elif step == Decide():
            await pose_at_once(server, tx, kept, client, session)
        return await _go_on(server, tx, kept, session, step)

    return await server.work.write(unit)


def _came_with(session: Session | None) -> str:
    return "" if session is None else session.id


async def _arrived(tx: Transaction, kept: Kept[RequestTicket], session: Session | None) -> Kept[RequestTicket]:
    """The request with the session that the browser came with first."""
    if kept.row.arrived is not None:
        return kept
    came_with = _came_with(session)
    await tx.tickets.arrive(TicketKind.REQUEST, kept.digest, came_with)
    return Kept(kept.body, msgspec.structs.replace(kept.row, arrived=came_with))


async def _go_on(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], session: Session, step: Coming
) -> SignIn | Decide | Deliver:
    match step:
        case OAuthError() as error:
            return await _deliver(server, tx, kept, error)
        case Stands() as stands:
            return await _again(server, tx, kept, stands, session)
        case SignIn() | Decide():
            return step


async def coming(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session
) -> Coming:
    """What to do with whoever is here; nothing is done yet."""
    require_whose(kept, session)
    wrong = _unmet(kept, session)
    if wrong is not None:
        return wrong
    if not is_recent(kept, session) or _may_be_stronger(kept, session):
        return _sign_in(kept)
    another = await _another(server, tx, kept.body, client, session)
    if another is not None:
        return another
    if "consent" not in kept.body.prompt and _may_be_silent(client, kept.body):
        stands = await codes.answered_before(server, tx, kept.body, client, session)
        if stands is not None:
            return stands
    if "none" in kept.body.prompt:
        return ConsentRequired("The person has to be asked first.")
    return Decide()


async def _another(
    server: Server, tx: Transaction, request: RequestTicket, client: Client, session: Session
) -> OAuthError | None:
    """What to say where the request is not about the person who is here."""
    if not is_hinted(server, request, client, session):
        return LoginRequired("Another person is signed in here.")
    if not await is_theirs(server, tx, request, session):
        return InvalidGrantId("The person signed in here gave no such grant that stands.")
    return None


async def is_theirs(server: Server, tx: Transaction, request: RequestTicket, session: Session) -> bool:
    """True unless the request is to change a grant of another person, or one that has ended (Grant Management §5.4)."""
    if request.grant is None:
        return True
    stands = await find_standing(server, tx, request.grant)
    return stands is not None and stands.state.person == session.person


def _sign_in(kept: Kept[RequestTicket]) -> SignIn | LoginRequired:
    """To the sign-in; under `prompt=none` nobody is shown it (check 15)."""
    if "none" in kept.body.prompt:
        return LoginRequired("Nobody is signed in here as it was asked for.")
    return SignIn(kept.body.acr)


async def _again(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], stands: Stands, session: Session
) -> Deliver:
    """The answer of before, or why policy forbids it by now."""
    try:
        return Deliver(await codes.deliver(server, tx, kept, stands, session))
    except AccessDenied as denied:
        return await _deliver(server, tx, kept, denied)


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
    """True if this sign-in was made for this request: after it came, and not the one that its first browser had.

    Any browser may open the link first, one without a session too; that makes no sign-in of before a new one.
    """
    return kept.row.arrived not in {None, session.id} and session.auth_time >= kept.body.created_at


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
