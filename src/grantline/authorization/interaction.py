"""One waiting request and its person: what the pages ask, and what they are told. The server holds all of it."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog

from grantline.authorization import tickets
from grantline.authorization.elsewhere import Way
from grantline.authorization.profiles import card_of, profile_of
from grantline.authorization.response_modes import Delivery
from grantline.authorization.server import Server
from grantline.authorization.steps import answering, codes
from grantline.authorization.steps.listing import listed_for
from grantline.authorization.steps.matter import Matter, matter_of, record
from grantline.authorization.steps.presence import (
    Decide,
    Deliver,
    SignIn,
    is_hinted,
    is_recent,
    is_strong,
    is_theirs,
    next_for,
    require_whose,
)
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Elsewhere, Kept, Notes, RequestTicket
from grantline.consent import (
    Approval,
    ClientCard,
    Offer,
    Picks,
    Summary,
    make_offer,
    narrow,
    summarise,
)
from grantline.identity import Session
from grantline.model.consent import Ceremony, State
from grantline.model.errors import AccessDenied, Conflict, InvalidGrantId, LoginRequired, NotFound
from grantline.model.ids import ConsentId, opaque
from grantline.parties import Client, Standing

_REFUSED = "refused"
_log = structlog.get_logger("grantline.authorization")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for an answer, told before anybody signed in. `redirect_uri` is the verified one.

    `login_hint`: what the client thinks the person signs in as. `elsewhere`: the request came without a browser, and
    there is no `redirect_uri`. `asked_at`: unix seconds.
    """

    client: ClientCard
    redirect_uri: str
    login_hint: str = ""
    elsewhere: Elsewhere | None = None
    asked_at: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The request was answered before. `at`: unix seconds. `consent`: what came of it. `way`: how it was asked.

    None: by this browser.
    """

    client: ClientCard
    what: Literal["allowed", "refused"]
    at: int
    consent: ConsentId | None
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class _Open:
    """A request that waits for this person, with its client."""

    kept: Kept[RequestTicket]
    client: Client
    matter: Matter


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back from the page: the picks, the question they answer, and by which way."""

    picks: Picks
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

    async def arrive(self, handle: str, session: Session) -> SignIn | Decide | Deliver:
        """What comes next for somebody who comes to the page: as at the authorization endpoint, after signing in."""
        if await self.outcome(handle, session) is not None:
            return Decide()
        return await next_for(self._server, handle, session)

    async def offer(self, handle: str, session: Session) -> Offer | Answered:
        """The question for this person; ties the request to who asks first. The same each time until answered."""
        answered = await self.outcome(handle, session)
        if answered is not None:
            return answered
        found = await self._server.work.write(lambda tx: self._bound(tx, handle, session))
        notes = await self._notes(found, handle, session)
        return self._offer(found, notes)

    async def summarise(self, handle: str, picks: Picks, session: Session) -> Summary:
        """The recap of picks that may still lack something. Raises `InvalidRequest` for what was not offered."""
        found = await self._server.work.write(lambda tx: self._bound(tx, handle, session))
        notes = await self._notes(found, handle, session)
        offer = self._offer(found, notes)
        return summarise(catalog=self._server.catalog(), asked=found.matter.asked, offer=offer, picks=picks)

    async def approve(
        self, handle: str, picks: Picks, session: Session, *, digest: str, channel: str = "web"
    ) -> Delivery:
        """Record the decision, make the code and use the request up in one unit; what takes the answer back.

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
        if isinstance(await self.offer(handle, session), Answered):
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

    async def outcome(self, handle: str, session: Session) -> Answered | None:
        """What came of it, for the person who answered, until the ticket is forgotten."""

        async def unit(tx: Transaction) -> Answered | None:
            kept = await tickets.find(tx.tickets, RequestTicket, handle)
            if kept is None or kept.row.redeemed_at is None or kept.row.bound != session.person:
                return None
            what, _, consent = (kept.row.outcome or "").partition(" ")
            if what not in {codes.ALLOWED, _REFUSED}:
                return None
            card = card_of(await _client(tx, kept), kept.body.redirect_uri)
            allowed = what == codes.ALLOWED
            came_of_it = ConsentId(consent) if allowed else None
            way = None if kept.body.elsewhere is None else kept.body.elsewhere.way
            return Answered(card, "allowed" if allowed else "refused", kept.row.redeemed_at, came_of_it, way)

        return await self._server.work.read(unit)

    async def _bound(self, tx: Transaction, handle: str, session: Session) -> _Open:
        """The open request, tied to this person now or before (checks 38, 40)."""
        kept = await tickets.open_request(tx.tickets, handle, self._server.now())
        client = await _client(tx, kept)
        require_whose(kept, session)
        if not is_recent(kept, session) or not is_strong(kept, session):
            raise LoginRequired("Sign in again to go on.")
        if not is_hinted(self._server, kept.body, client, session):
            raise LoginRequired("Another person is signed in here.", detail="id_token_hint")
        if not await tx.tickets.bind(TicketKind.REQUEST, kept.digest, session.person):
            raise NotFound("This request is no longer open.", detail="bound to another person")
        if not await is_theirs(tx, kept.body, session):
            raise NotFound("This request is no longer open.", detail="about a grant of another person")
        return _Open(kept, client, await _matter(self._server, tx, kept.body, client))

    async def _notes(self, found: _Open, handle: str, session: Session) -> Notes:
        """What was learned when this person came first; each API is asked once for each request."""
        if found.kept.row.notes is not None:
            return _noted(found)
        server = self._server
        lists = await listed_for(server, found.kept.body, session.person)

        async def unit(tx: Transaction) -> Notes:
            # A second tab may have been quicker: then its notes hold, and there is one consent to decide on.
            now = await self._bound(tx, handle, session)
            if now.kept.row.notes is not None:
                return _noted(now)
            state = await self._begin(tx, now, session)
            notes = Notes(consent=state.consent_id, opened_at=server.now(), lists=lists)
            await tx.tickets.note(TicketKind.REQUEST, now.kept.digest, msgspec.json.encode(notes))
            return notes

        return await server.work.write(unit)

    async def _begin(self, tx: Transaction, found: _Open, session: Session) -> State:
        """Write down that this person is about to be asked: for a new consent, or for a change of one."""
        consents, matter, request = self._server.consents, found.matter, found.kept.body
        if matter.change is not None:
            consent = matter.change.before.consent_id
            return await consents.ask_to_change(tx, consent=consent, person=session.person, change=matter.change)
        subject = self._server.keys.pairwise.towards(found.client, session.person)
        return await consents.request(
            tx, person=session.person, subject=subject, client=request.client, asked=matter.asked,
            scope=matter.scope,
        )  # fmt: skip

    def _offer(self, found: _Open, notes: Notes) -> Offer:
        catalog, matter = self._server.catalog(), found.matter
        profile = profile_of(found.client, catalog, found.kept.body.redirect_uri)
        return make_offer(
            catalog=catalog, client=profile, asked=matter.asked, resources=notes.lists, now=notes.opened_at,
            about=matter.about, change=matter.change, known=matter.known,
        )  # fmt: skip

    async def _give(self, tx: Transaction, found: _Open, session: Session, answer: _Answer) -> Delivery:
        server, request, catalog = self._server, found.kept.body, self._server.catalog()
        matter, notes = found.matter, _noted(found)
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
                picks=answer.picks,
                digest=answer.digest,
                kept=matter.kept,
            ),
            ceremony=self._ceremony(session, notes, _channel(request, answer)),
            resource_subjects=() if person is None else tuple(person.resource_names.items()),
            language=request.language,
        )
        stands = await record(server, tx, matter, notes.consent, approval, person=session.person)
        return await codes.deliver(server, tx, found.kept, stands, session)

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


async def _matter(server: Server, tx: Transaction, request: RequestTicket, client: Client) -> Matter:
    try:
        return await matter_of(server, tx, request, client)
    except InvalidGrantId as error:
        raise NotFound("This request is no longer open.", detail=error.detail) from error


async def _client(tx: Transaction, kept: Kept[RequestTicket]) -> Client:
    client = await tx.clients.get(kept.body.client)
    if client is None or client.status is not Standing.ACTIVE:
        raise NotFound("This request is no longer open.", detail="the client is gone or stopped")
    return client
