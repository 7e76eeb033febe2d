"""What the authorization server needs kept: tickets, families of refresh tokens, identifiers used up."""

from enum import StrEnum
from typing import Protocol

import msgspec

from grantline.authorization.client_sessions import ClientSessionRows
from grantline.authorization.elsewhere import ElsewhereRows
from grantline.authorization.issuers import TrustedIssuerRows
from grantline.consent.store import ConsentRows, DescentRows
from grantline.identity.methods.store import LinkRows
from grantline.identity.store import GuessRows, PersonRows, SessionRows
from grantline.model.ids import ClientId, ConsentId, FamilyId, TokenId
from grantline.model.ports import FeedLog, Outbox
from grantline.parties.store import ClientRows, InitialTokenRows, RegistrationRows


class TicketKind(StrEnum):
    """Every stored ticket has one kind and is found by it alone, so one can never stand for another (check 124)."""

    REQUEST = "request"
    CODE = "code"
    LOGOUT = "logout"
    DEVICE = "device"
    BACKCHANNEL = "backchannel"


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    """Single-use state. `digest`: SHA-256 of kind and handle; `body`: the ticket's own form; times in unix seconds.

    `bound`: the person who opened it first. `notes`: what was learned while it was open (resource lists).
    `arrived`: the session that the browser came with, empty for none. `outcome`: what came of it.
    """

    kind: TicketKind
    digest: bytes
    body: bytes
    expires_at: int
    redeemed_at: int | None = None
    bound: str | None = None
    notes: bytes | None = None
    arrived: str | None = None
    outcome: str | None = None


class TicketRows(Protocol):
    """Tickets by kind and digest."""

    async def put(self, row: TicketRow) -> None:
        """Keep a new ticket."""
        ...

    async def get(self, kind: TicketKind, digest: bytes) -> TicketRow | None:
        """The ticket, redeemed or expired ones included."""
        ...

    async def redeem(self, kind: TicketKind, digest: bytes, at: int, outcome: str | None = None) -> bool:
        """Use it up: True for exactly one caller, and only before it expires."""
        ...

    async def bind(self, kind: TicketKind, digest: bytes, person: str) -> bool:
        """Tie it to the first person; False if it is another's."""
        ...

    async def note(self, kind: TicketKind, digest: bytes, notes: bytes) -> None:
        """Keep what was learned, once; a second note is ignored."""
        ...

    async def arrive(self, kind: TicketKind, digest: bytes, session: str) -> None:
        """Keep with which session the browser came first; later arrivals change nothing."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget tickets that expired before this time; how many."""
        ...


class FamilyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Refresh tokens that descend from one code. `generation`: of the last one. `x5t`: certificate they are bound to.

    `secret`: part of what each token is made from. `jkt`: key it is bound to. `ended_at`: unix seconds. `sign_in`: how
    the person signed in, as tokens tell of it, in their own form; None where nobody did.
    """

    family: FamilyId
    consent: ConsentId
    client: ClientId
    secret: bytes
    scope: str
    resources: tuple[str, ...]
    jkt: str | None
    x5t: str | None = None
    created_at: int
    expires_at: int
    generation: int = 1
    rotated_at: int = 0
    ended_at: int | None = None
    sign_in: bytes | None = None


class FamilyRows(Protocol):
    """Families by id."""

    async def put(self, row: FamilyRow) -> None:
        """Keep a new family."""
        ...

    async def get(self, family: FamilyId) -> FamilyRow | None:
        """The family, ended ones included."""
        ...

    async def advance(self, family: FamilyId, generation: int, at: int) -> bool:
        """Move on from `generation`: True for exactly one caller, and only while the family lives."""
        ...

    async def living(self, consent: ConsentId) -> tuple[FamilyId, ...]:
        """Families of a consent that were not ended."""
        ...

    async def end(self, family: FamilyId, at: int) -> bool:
        """End it; False if it had ended or never was."""
        ...


class OpaqueRow(msgspec.Struct, frozen=True):
    """What an opaque access token stands for, until `expires_at` (unix seconds).

    `digest`: SHA-256 of the token. `claims`: JSON.
    """

    digest: bytes
    claims: bytes
    expires_at: int


class OpaqueRows(Protocol):
    """Opaque tokens by their hash."""

    async def put(self, row: OpaqueRow) -> None:
        """Keep a new one."""
        ...

    async def get(self, digest: bytes) -> bytes | None:
        """The claims of the token with this hash, also of one that is over."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget those that expired before this time; how many."""
        ...


class ExchangedRow(msgspec.Struct, frozen=True):
    """A token that was made from another (RFC 8693). `consent`: what it stands on. `expires_at`: unix seconds."""

    token: TokenId
    made_from: TokenId
    consent: ConsentId
    expires_at: int


class ExchangedRows(Protocol):
    """Which access token was made from which, as long as it may count."""

    async def add(self, row: ExchangedRow) -> None:
        """Keep a new one."""
        ...

    async def made_from(self, token: TokenId) -> tuple[ExchangedRow, ...]:
        """Those that were made from this one, without what was made from them in turn."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget those that expired before this time; how many."""
        ...


class Burnt(StrEnum):
    """What came of using an identifier up."""

    FRESH = "fresh"
    SPENT = "spent"
    FULL = "full"


class BurnedRows(Protocol):
    """Identifiers that count once: proofs, assertions; and tokens that count no more."""

    async def burn(self, purpose: str, digest: bytes, until: int, *, now: int, capacity: int) -> Burnt:
        """Use it up until that time (unix seconds). Full means full: nothing that still counts makes room."""
        ...

    async def keep(self, purpose: str, digest: bytes, until: int) -> bool:
        """The same without a bound, for what must never be refused; False if it was there."""
        ...

    async def has(self, purpose: str, digest: bytes) -> bool:
        """True if it is kept."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget what no longer counts; how many."""
        ...


class Transaction(Protocol):
    """One unit of work as the authorization server sees it."""

    @property
    def tickets(self) -> TicketRows:
        """Single-use state."""
        ...

    @property
    def elsewhere(self) -> ElsewhereRows:
        """Requests that are answered on another device."""
        ...

    @property
    def families(self) -> FamilyRows:
        """Refresh token families."""
        ...

    @property
    def opaque_tokens(self) -> OpaqueRows:
        """What opaque access tokens stand for."""
        ...

    @property
    def exchanged(self) -> ExchangedRows:
        """Which access token was made from which."""
        ...

    @property
    def burned(self) -> BurnedRows:
        """Identifiers used up."""
        ...

    @property
    def clients(self) -> ClientRows:
        """Registrations."""
        ...

    @property
    def registrations(self) -> RegistrationRows:
        """How clients came that no operator declared."""
        ...

    @property
    def initial_tokens(self) -> InitialTokenRows:
        """Who may register itself."""
        ...

    @property
    def client_sessions(self) -> ClientSessionRows:
        """At which clients sessions are signed in."""
        ...

    @property
    def consents(self) -> ConsentRows:
        """Consents, for what every token stands on."""
        ...

    @property
    def descents(self) -> DescentRows:
        """Which consent is part of which."""
        ...

    @property
    def issuers(self) -> TrustedIssuerRows:
        """Whose statements about people are believed."""
        ...

    @property
    def people(self) -> PersonRows:
        """People, for their names at the APIs."""
        ...

    @property
    def sessions(self) -> SessionRows:
        """Where they are signed in."""
        ...

    @property
    def links(self) -> LinkRows:
        """Accounts elsewhere that they sign in with."""
        ...

    @property
    def guesses(self) -> GuessRows:
        """How often somebody typed a wrong code."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events of this change."""
        ...

    @property
    def feed(self) -> FeedLog:
        """The revocation feed."""
        ...
