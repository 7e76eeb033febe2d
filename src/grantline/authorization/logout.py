"""Signing out at the wish of a client: whether to ask the person, and where to go afterwards.

Ending the session itself is identity's; clients that were signed in learn of it from its row (`client_sessions`).
What the person allowed stays: consents end under Connections, not here.
"""

from dataclasses import dataclass
from urllib.parse import quote

from grantline.authorization import tickets
from grantline.authorization.profiles import card_of
from grantline.authorization.server import Server
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, LogoutTicket
from grantline.consent import ClientCard
from grantline.identity import Session
from grantline.model.errors import NotFound
from grantline.model.ids import SubjectId
from grantline.parties import Client


@dataclass(frozen=True, slots=True)
class Leaving:
    """A wish to sign out. `client`: who sent the person, if that is known. `ask`: the person has to say so first."""

    client: ClientCard | None
    ask: bool


@dataclass(frozen=True, slots=True)
class Farewell:
    """Signed out. `frames`: addresses of apps to load, so that each ends its own session. `onward`: where to go."""

    client: ClientCard | None
    frames: tuple[str, ...]
    onward: str | None


class Logout:
    """Each method takes the handle of one wish and raises `NotFound` when it is over."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def arrive(self, handle: str, session: Session | None) -> Leaving:
        """Who asks, and whether the person is asked: always, unless an ID token names this very session."""

        async def unit(tx: Transaction) -> Leaving:
            kept = await self._kept(tx, handle)
            if not kept.is_open(self._server.now()):
                raise _over("used")
            ask = session is not None and not await self._names(tx, kept.body, session)
            return Leaving(await _card(tx, kept.body), ask)

        return await self._server.work.read(unit)

    async def left(self, handle: str, session: Session | None) -> None:
        """The session has ended; from now on `farewell` tells where to go. Answering twice changes nothing."""

        async def unit(tx: Transaction) -> None:
            kept = await self._kept(tx, handle)
            which = "" if session is None else session.id
            await tx.tickets.redeem(TicketKind.LOGOUT, kept.digest, self._server.now(), which)

        await self._server.work.write(unit, essential=True)

    async def leave(self, session: Session) -> str | None:
        """A wish of the person's own that is fulfilled already: its handle; None if no app has to be loaded for it."""
        server = self._server

        async def unit(tx: Transaction) -> str | None:
            if not await self._frames(tx, session.id):
                return None
            handle = tickets.new_handle(server.randomness)
            await tickets.keep(tx.tickets, handle, LogoutTicket(), server.now() + server.settings.request_lifetime)
            digest = tickets.digest_of(TicketKind.LOGOUT, handle)
            await tx.tickets.redeem(TicketKind.LOGOUT, digest, server.now(), session.id)
            return handle

        return await server.work.write(unit)

    async def farewell(self, handle: str) -> Farewell:
        """Where to go and what to load on the way."""

        async def unit(tx: Transaction) -> Farewell:
            kept = await self._kept(tx, handle)
            if not kept.redeemed:
                raise _over("not answered yet")
            frames = await self._frames(tx, kept.row.outcome or "")
            return Farewell(await _card(tx, kept.body), frames, _onward(kept.body))

        return await self._server.work.read(unit)

    async def _kept(self, tx: Transaction, handle: str) -> Kept[LogoutTicket]:
        kept = await tickets.find(tx.tickets, LogoutTicket, handle)
        if kept is None or self._server.now() >= kept.row.expires_at:
            raise _over("unknown or too old")
        return kept

    async def _names(self, tx: Transaction, ticket: LogoutTicket, session: Session) -> bool:
        """Whether the ID token that came along is about this person in this session (check 153)."""
        if ticket.subject is None or ticket.client is None:
            return False
        here = {row.client: row for row in await tx.client_sessions.of(session.id)}.get(ticket.client)
        if here is None or SubjectId(here.subject) != ticket.subject:
            return False
        return ticket.sid in {None, here.sid}

    async def _frames(self, tx: Transaction, session: str) -> tuple[str, ...]:
        """What to load, of each app that was signed in by this session (OIDC Front-Channel Logout §2)."""
        frames = []
        for row in await tx.client_sessions.of(session):
            client = await tx.clients.get(row.client)
            if client is not None and client.logout.frontchannel_uri is not None:
                frames.append(_frame(client, client.logout.frontchannel_uri, self._server.issuer, row.sid))
        return tuple(frames)


def _frame(client: Client, uri: str, issuer: str, sid: str) -> str:
    if not client.logout.frontchannel_session:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}iss={quote(issuer, safe='')}&sid={quote(sid, safe='')}"


def _onward(ticket: LogoutTicket) -> str | None:
    if ticket.redirect_uri is None or ticket.state is None:
        return ticket.redirect_uri
    return f"{ticket.redirect_uri}{'&' if '?' in ticket.redirect_uri else '?'}state={quote(ticket.state, safe='')}"


async def _card(tx: Transaction, ticket: LogoutTicket) -> ClientCard | None:
    client = None if ticket.client is None else await tx.clients.get(ticket.client)
    return None if client is None else card_of(client, ticket.redirect_uri or client.web)


def _over(why: str) -> NotFound:
    return NotFound("This page is over.", detail=f"logout: {why}")
