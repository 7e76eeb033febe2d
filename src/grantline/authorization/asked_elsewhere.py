"""What people see of requests that no browser brought: the code to type, the device to compare, what waits for them."""

from dataclasses import dataclass

import structlog

from grantline.authorization import tickets, user_codes
from grantline.authorization.elsewhere import ElsewhereRow, Side, Way, handle_for
from grantline.authorization.profiles import card_of
from grantline.authorization.server import Server
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, RequestTicket
from grantline.authorization.tokens import about_person
from grantline.consent import ClientCard, may
from grantline.consent.offer import Span
from grantline.identity import Session, throttle
from grantline.model.errors import NotFound
from grantline.model.ids import PersonId
from grantline.parties import Client, Standing

_log = structlog.get_logger("grantline.authorization")


@dataclass(frozen=True, slots=True)
class Found:
    """The typed code is one that waits. `handle`: of its request."""

    handle: str


@dataclass(frozen=True, slots=True)
class NotFoundHere:
    """No open request has this code; why, nobody is told."""


@dataclass(frozen=True, slots=True)
class TooManyTries:
    """Nothing was looked up; try again after so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class ElsewhereRequest:
    """One request that waits. Times in unix seconds. `code`: as the device shows it, empty where there is none.

    `message`: what the client wants compared. `address`: the network address that it was sent from. `wants`: what it
    asks for, in one phrase; `about`: what it would learn of the person.
    """

    handle: str
    way: Way
    client: ClientCard
    code: str
    message: str
    address: str
    asked_at: int
    expires_at: int
    wants: tuple[Span, ...]
    about: tuple[str, ...]


class AskedElsewhere:
    """Looks codes up, and ties a request to who compared it. Never answers one: that is the consent page's alone."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def look_up(self, typed: str, person: PersonId, address: str) -> Found | NotFoundHere | TooManyTries:
        """The request of a code. Each wrong one counts for the person and for the address (check 140).

        A right one frees nobody: else a guesser would mix codes of their own among the guesses.
        """
        keys, now = (f"user_code:{person}", f"user_code_from:{address}"), self._server.now()
        code = user_codes.read(typed)

        async def unit(tx: Transaction) -> Found | NotFoundHere | TooManyTries:
            wait = await throttle.seconds_to_wait(tx, keys, now)
            if wait > 0:
                return TooManyTries(wait)
            row = None if code is None else await tx.elsewhere.by_user_code(code)
            if row is None or row.result is not None or row.expires_at <= now:
                await throttle.note_failure(tx, keys, now)
                return NotFoundHere()
            return Found(self._handle(row))

        outcome = await self._server.work.write(unit)
        if not isinstance(outcome, Found):
            _log.info("user_code_refused", outcome=type(outcome).__name__, address=address)
        return outcome

    async def compare(self, handle: str) -> ElsewhereRequest:
        """What the device asks, for who is about to say that it is theirs. Raises `NotFound` when it is over."""
        return await self._server.work.read(lambda tx: self._request(tx, handle))

    async def confirm(self, handle: str, session: Session) -> None:
        """It is this person's: from now on they, and nobody else, can answer it. Raises `NotFound`."""

        async def unit(tx: Transaction) -> None:
            await self._request(tx, handle)
            digest = tickets.digest_of(TicketKind.REQUEST, handle)
            if not await tx.tickets.bind(TicketKind.REQUEST, digest, session.person):
                raise NotFound("This request is no longer open.", detail="another person's")

        await self._server.work.write(unit)

    async def waiting(self, person: PersonId) -> tuple[ElsewhereRequest, ...]:
        """What clients ask this person by the back channel, the oldest first."""

        async def unit(tx: Transaction) -> tuple[ElsewhereRequest, ...]:
            rows = await tx.elsewhere.waiting_for(person, self._server.now())
            return tuple([one for row in rows if (one := await self._open(tx, row)) is not None])

        return await self._server.work.read(unit)

    async def _open(self, tx: Transaction, row: ElsewhereRow) -> ElsewhereRequest | None:
        try:
            return await self._request(tx, self._handle(row))
        except NotFound:
            return None

    async def _request(self, tx: Transaction, handle: str) -> ElsewhereRequest:
        kept = await tickets.open_request(tx.tickets, handle, self._server.now())
        client = await tx.clients.get(kept.body.client)
        asked = kept.body.elsewhere
        row = None if asked is None else await tx.elsewhere.get(asked.id)
        if client is None or client.status is not Standing.ACTIVE or row is None:
            raise NotFound("This request is no longer open.", detail="not from elsewhere, or its client is stopped")
        return self._seen(handle, kept, client, row)

    def _seen(self, handle: str, kept: Kept[RequestTicket], client: Client, row: ElsewhereRow) -> ElsewhereRequest:
        body = kept.body
        assert body.elsewhere is not None
        return ElsewhereRequest(
            handle=handle,
            way=row.way,
            client=card_of(client, ""),
            code="" if row.user_code is None else user_codes.shown(row.user_code),
            message=body.elsewhere.message or "",
            address=body.elsewhere.address,
            asked_at=row.created_at,
            expires_at=row.expires_at,
            wants=may(self._server.catalog(), (one.item for one in body.asked)),
            about=about_person.words_for(body.scope),
        )

    def _handle(self, row: ElsewhereRow) -> str:
        return handle_for(self._server.keys.refresh, row.id, Side.PERSON)
