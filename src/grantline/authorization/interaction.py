"""One waiting request and its person: what the pages ask, and what they are told. The server holds all of it."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from grantline.authorization import tickets
from grantline.authorization.profiles import card_of, profile_of
from grantline.authorization.questions import Answered, Question, Waiting
from grantline.authorization.response_modes import Delivery
from grantline.authorization.server import Server
from grantline.authorization.steps import answering, codes
from grantline.authorization.steps.listing import listed_for
from grantline.authorization.steps.matter import Matter, matter_of, record
from grantline.authorization.steps.posing import pose, tie
from grantline.authorization.steps.presence import (
    Decide,
    Deliver,
    SignIn,
    coming,
    is_hinted,
    is_recent,
    is_strong,
    is_theirs,
    next_for,
    require_whose,
)
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, Notes, RequestTicket
from grantline.consent import (
    Approval,
    Offer,
    Picks,
    make_offer,
    narrow,
)
from grantline.identity import Session
from grantline.model.consent import Ceremony
from grantline.model.errors import AccessDenied, Conflict, InvalidGrantId, LoginRequired, NotFound
from grantline.model.ids import ConsentId, opaque
from grantline.parties import Client, Standing

_REFUSED = "refused"
_log = structlog.get_logger("grantline.authorization")


@dataclass(frozen=True, slots=True)
class _Open:
    """A request that waits for this person, with its client, and what there is to decide."""

    kept: Kept[RequestTicket]
    client: Client
    matter: Matter


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back from the page: the picks or what reads them, the question they answer, and by which way."""

    picks: Picks | Callable[[Offer], Picks]
    digest: str
    channel: str


class Interaction:
    """Every method raises `NotFound` when the request is gone, or another person's.

    `LoginRequired` from `offer` and `approve`: this sign-in is not recent enough for what the client asked.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def open(self, handle: str) -> Waiting:
        """Who waits. Tells nothing that the client itself did not say."""

        async def unit(tx: Transaction) -> Waiting:
            kept = await tickets.open_request(tx.tickets, handle, self._server.now())
            client = await _client(tx, kept)
            card = card_of(client, kept.body.redirect_uri)
            body = kept.body
            return Waiting(card, body.redirect_uri, body.login_hint or "", body.elsewhere, body.created_at)

        return await self._server.work.read(unit)

    async def arrive(self, handle: str, session: Session) -> SignIn | Deliver | Question | Answered:
        """What comes next for somebody who comes to the page: as at the authorization endpoint, after signing in."""
        server = self._server

        async def unit(tx: Transaction) -> _Open | Answered | None:
            kept = await self._posed(tx, handle, session)
            if kept is None:
                return None
            if kept.redeemed:
                return await _answered(tx, kept)
            client = await _client(tx, kept)
            if await coming(server, tx, kept, client, session) != Decide():
                return None
            return await self._opened(tx, kept, client)

        match await server.work.read(unit):
            case _Open() as found:
                return self._question(found, _noted(found))
            case Answered() as answered:
                return answered
        step = await next_for(server, handle, session)
        return await self.question(handle, session) if isinstance(step, Decide) else step

    async def question(self, handle: str, session: Session) -> Question | Answered:
        """The question for this person; ties the request to who asks first. The same each time until answered."""

        async def unit(tx: Transaction) -> _Open | Answered | None:
            kept = await self._posed(tx, handle, session)
            if kept is None:
                return None
            if kept.redeemed:
                return await _answered(tx, kept)
            client = await _client(tx, kept)
            self._require_presence(kept, client, session)
            return await self._opened(tx, kept, client)

        found = await self._server.work.read(unit)
        if isinstance(found, Answered):
            return found
        if found is None:
            found = await self._server.work.write(lambda tx: self._bound(tx, handle, session))
        return self._question(found, await self._notes(found, handle, session))

    async def outcome(self, handle: str, session: Session) -> Answered | None:
        """What came of it, for the person who answered, until the ticket is forgotten."""

        async def unit(tx: Transaction) -> Answered | None:
            kept = await self._posed(tx, handle, session)
            return await _answered(tx, kept) if kept is not None and kept.redeemed else None

        return await self._server.work.read(unit)

    async def approve(
        self,
        handle: str,
        picks: Picks | Callable[[Offer], Picks],
        session: Session,
        *,
        digest: str,
        channel: str = "web",
    ) -> Delivery:
        """Record the decision, make the code and use the request up in one unit; what takes the answer back.

        `picks`: or what reads them, from the offer as it is in that unit; what it raises is raised.
        `digest` is that of the offer shown. Raises `InvalidRequest` on picks beyond it; nothing is stored then.
        What policy forbids is never given, though the person would: the client is told `access_denied`.
        """

        answer = _Answer(picks, digest, channel)

        async def unit(tx: Transaction) -> Delivery:
            return await self._give(tx, await self._bound(tx, handle, session), session, answer)

        try:
            return await self._server.work.write(unit)
        except AccessDenied as denied:
            _log.info("refused", path="/consent", error=denied.code, detail=denied.detail)
            return await self._turn_away(handle, session, denied)

    async def refuse(self, handle: str, session: Session) -> Delivery:
        """Record the refusal and use the request up; what takes `access_denied` back."""
        return await self._turn_away(handle, session, AccessDenied("The person did not allow it."))

    async def decline(self, handle: str, session: Session) -> Delivery:
        """The same without having looked; the question is put first, so that the record knows what was refused."""
        if isinstance(await self.question(handle, session), Answered):
            raise Conflict("This request was answered before.")
        return await self.refuse(handle, session)

    async def _turn_away(self, handle: str, session: Session, denied: AccessDenied) -> Delivery:
        async def unit(tx: Transaction) -> Delivery:
            found = await self._bound(tx, handle, session)
            notes = _noted(found)
            consents = self._server.consents
            refuse = consents.refuse if found.matter.change is None else consents.refuse_to_change
            await refuse(tx, consent=notes.consent, person=session.person, ceremony=self._ceremony_id())
            outcome = f"{_REFUSED} {notes.consent}"
            if not await tx.tickets.redeem(TicketKind.REQUEST, found.kept.digest, self._server.now(), outcome):
                raise Conflict("This request was answered before.")
            return await answering.with_error(self._server, tx, found.kept, denied)

        return await self._server.work.write(unit)

    async def _posed(self, tx: Transaction, handle: str, session: Session) -> Kept[RequestTicket] | None:
        """The request whose question was put to this person before, open or used up; None where there is none yet."""
        kept = await tickets.find(tx.tickets, RequestTicket, handle)
        if kept is None or kept.row.bound != session.person:
            return None
        waits = kept.row.notes is not None and kept.is_open(self._server.now())
        return kept if kept.redeemed or waits else None

    async def _bound(self, tx: Transaction, handle: str, session: Session) -> _Open:
        """The open request, tied to this person now or before."""
        kept = await tickets.open_request(tx.tickets, handle, self._server.now())
        client = await _client(tx, kept)
        self._require_presence(kept, client, session)
        if not await tie(tx, kept, session):
            raise NotFound("This request is no longer open.", detail="bound to another person")
        if not await is_theirs(self._server, tx, kept.body, session):
            raise NotFound(
                "This request is no longer open.", detail="about a grant of another person, or one that ended"
            )
        return await self._opened(tx, kept, client)

    async def _opened(self, tx: Transaction, kept: Kept[RequestTicket], client: Client) -> _Open:
        try:
            return _Open(kept, client, await matter_of(self._server, tx, kept.body, client))
        except InvalidGrantId as error:
            raise NotFound("This request is no longer open.", detail=error.detail) from error

    def _require_presence(self, kept: Kept[RequestTicket], client: Client, session: Session) -> None:
        require_whose(kept, session)
        if not is_recent(kept, session) or not is_strong(kept, session):
            raise LoginRequired("Sign in again to go on.")
        if not is_hinted(self._server, kept.body, client, session):
            raise LoginRequired("Another person is signed in here.", detail="id_token_hint")

    async def _notes(self, found: _Open, handle: str, session: Session) -> Notes:
        """What was learned when this person came first; each API is asked once for each request."""
        if found.kept.row.notes is not None:
            return _noted(found)
        lists = await listed_for(self._server, found.kept.body, session.person)

        async def unit(tx: Transaction) -> Notes:
            # A second tab may have been quicker: then its notes hold, and there is one consent to decide on.
            now = await self._bound(tx, handle, session)
            if now.kept.row.notes is not None:
                return _noted(now)
            return await pose(self._server, tx, now.kept, now.client, session, lists=lists)

        return await self._server.work.write(unit)

    def _question(self, found: _Open, notes: Notes) -> Question:
        request = found.kept.body
        catalog = self._server.catalog()
        offer = self._offer(found, notes)
        asked = found.matter.asked
        return Question(offer, request.redirect_uri, asked, catalog, request.elsewhere, request.created_at)

    def _offer(self, found: _Open, notes: Notes) -> Offer:
        catalog, matter = self._server.catalog(), found.matter
        profile = profile_of(found.client, catalog, found.kept.body.redirect_uri)
        return make_offer(
            catalog=catalog, client=profile, asked=matter.asked, resources=notes.lists, now=notes.opened_at,
            about=matter.about, change=matter.change, known=matter.known,
        )  # fmt: skip

    async def _give(self, tx: Transaction, found: _Open, session: Session, answer: _Answer) -> Delivery:
        request, catalog, matter = found.kept.body, self._server.catalog(), found.matter
        notes = _noted(found)
        profile = profile_of(found.client, catalog, request.redirect_uri)
        offer = self._offer(found, notes)
        person = await tx.people.by_id(session.person)
        approval = Approval(
            client=profile,
            asked=matter.recorded,
            scope=matter.scope,
            agreed=narrow(
                catalog=catalog,
                client=profile,
                asked=matter.asked,
                offer=offer,
                picks=answer.picks(offer) if callable(answer.picks) else answer.picks,
                digest=answer.digest,
                kept=matter.kept,
            ),
            ceremony=self._ceremony(session, notes, _channel(request, answer)),
            resource_subjects=() if person is None else tuple(person.resource_names.items()),
            language=request.language,
        )
        stands = await record(self._server, tx, matter, notes.consent, approval, person=session.person)
        return await codes.deliver(self._server, tx, found.kept, stands, session)

    def _ceremony(self, session: Session, notes: Notes, channel: str) -> Ceremony:
        decided_ms = max(0, self._server.clock.wall_us() // 1_000 - notes.opened_at * 1_000)
        return Ceremony(
            id=self._ceremony_id(), amr=session.amr, auth_time=session.auth_time, decided_ms=decided_ms, channel=channel
        )

    def _ceremony_id(self) -> str:
        return opaque("cer", self._server.randomness)


def _channel(request: RequestTicket, answer: _Answer) -> str:
    """How the consent came about, for its record."""
    return answer.channel if request.elsewhere is None else request.elsewhere.way.value


def _noted(found: _Open) -> Notes:
    if found.kept.row.notes is None:
        raise Conflict("Look at the question before answering it.")
    return msgspec.json.decode(found.kept.row.notes, type=Notes)


async def _answered(tx: Transaction, kept: Kept[RequestTicket]) -> Answered | None:
    """What came of it, until the ticket is forgotten."""
    what, _, consent = (kept.row.outcome or "").partition(" ")
    if kept.row.redeemed_at is None or what not in {codes.ALLOWED, _REFUSED}:
        return None
    card = card_of(await _client(tx, kept), kept.body.redirect_uri)
    way = None if kept.body.elsewhere is None else kept.body.elsewhere.way
    if what == codes.ALLOWED:
        return Answered(card, "allowed", kept.row.redeemed_at, ConsentId(consent), way)
    return Answered(card, "refused", kept.row.redeemed_at, None, way)


async def _client(tx: Transaction, kept: Kept[RequestTicket]) -> Client:
    client = await tx.clients.get(kept.body.client)
    if client is None or client.status is not Standing.ACTIVE:
        raise NotFound("This request is no longer open.", detail="the client is gone or stopped")
    return client
