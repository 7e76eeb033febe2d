"""What the pages ask of the rest, each as narrow as the page needs it. `app.py` hands the real ones in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from grantline.authorization import (
    Answered,
    Deliver,
    Delivery,
    ElsewhereRequest,
    Farewell,
    Found,
    Leaving,
    NotFoundHere,
    Question,
    TooManyTries,
    Waiting,
)
from grantline.authorization import SignIn as AskToSignIn
from grantline.consent.offer import ClientCard, Offer, OfferLine, Picks, Span
from grantline.identity import NeedsSecond, OpenSession, PersonRow, Session, Visit
from grantline.ledger.reading import LedgerReader
from grantline.model.consent import Status
from grantline.model.feed import Closure
from grantline.model.ids import ApiId, ConsentId, PersonId
from grantline.ui.portal.identity_services import OwnMethods, Passkeys, Providers, SignIn


class Sessions(Protocol):
    """Sessions by the secret in their cookie (identity)."""

    async def current(self, secret: str | None) -> Session | None:
        """None when unknown, ended or timed out."""
        ...

    async def end(self, session: Session) -> None:
        """End it on the server."""
        ...

    async def of(self, person: PersonId) -> tuple[OpenSession, ...]:
        """Where this person is signed in, the newest first."""
        ...

    async def end_one(self, person: PersonId, id: str) -> bool:
        """End one of this person's; False when there is none such."""
        ...

    async def end_others(self, session: Session) -> int:
        """End all of this person's but this one."""
        ...


class Enrolment(Protocol):
    """A password by one-time link (identity)."""

    async def waiting(self, token: str) -> PersonRow | None:
        """Whom it is for; None: the first operator, who chooses a name. Raises `NotFound` when it is over."""
        ...

    async def complete(self, token: str, username: str, password: str, visit: Visit) -> Session | NeedsSecond:
        """Use the link up and sign in. Raises `InvalidRequest` or `Conflict` on what may be entered better."""
        ...


class Interaction(Protocol):
    """One waiting authorization request, by its handle. Every method raises `NotFound` when it is gone.

    `LoginRequired`: this sign-in is not recent enough for what the client asked. `Conflict`: answered meanwhile.
    """

    async def open(self, handle: str) -> Waiting: ...

    async def arrive(self, handle: str, session: Session) -> AskToSignIn | Deliver | Question | Answered:
        """What comes next for who comes to the page: another sign-in, the question, or straight back."""
        ...

    async def question(self, handle: str, session: Session) -> Question | Answered:
        """The question for this person. Binds the request to the session that asks first."""
        ...

    async def approve(
        self, handle: str, picks: Picks | Callable[[Offer], Picks], session: Session, *, digest: str
    ) -> Delivery:
        """Record the answer, single use; what takes it back. Raises `InvalidRequest` on picks beyond the offer.

        `picks`: or what reads them, from the offer as it is then; what it raises is raised, and nothing is recorded.
        """
        ...

    async def refuse(self, handle: str, session: Session) -> Delivery:
        """Record the refusal; what takes it back (`access_denied`)."""
        ...

    async def decline(self, handle: str, session: Session) -> Delivery:
        """The same without having looked at the question."""
        ...

    async def outcome(self, handle: str, session: Session) -> Answered | None:
        """What this person answered; None if they did not."""
        ...


class AskedElsewhere(Protocol):
    """Requests that no browser brought."""

    async def look_up(self, typed: str, person: PersonId, address: str) -> Found | NotFoundHere | TooManyTries:
        """The request of a typed code."""
        ...

    async def compare(self, handle: str) -> ElsewhereRequest:
        """What is asked. Raises `NotFound` when it is over."""
        ...

    async def confirm(self, handle: str, session: Session) -> None:
        """The device is this person's. Raises `NotFound` when it is over, or another's."""
        ...

    async def waiting(self, person: PersonId) -> tuple[ElsewhereRequest, ...]:
        """What waits for this person, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version, for its receipt. `made_at`: unix seconds; `what`: given, amended, narrowed, …"""

    version: int
    made_at: int
    what: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One consent as its person sees it. `lines` are those granted, their fields cut to the granted ones.

    `may` says all of them in one phrase.
    Times are unix seconds. `versions` oldest first. `lookback_since`: the oldest day it may read (None: no limit).
    `held`: we let the client act for nobody just now. `given_by`: name of the client that passed it on; None: the
    person gave it. `passed_on_to`: what came of it and still counts, with the names of who has it. `missing`: kinds of
    data of it that nothing here serves any more; `unserved`: that is all of it.
    """

    consent: ConsentId
    client: ClientCard
    status: Status
    lines: tuple[OfferLine, ...]
    may: tuple[Span, ...]
    given_at: int
    until: int
    ended_at: int | None
    lookback_since: int | None
    versions: tuple[VersionRow, ...]
    held: bool = False
    given_by: str | None = None
    passed_on_to: tuple[tuple[ConsentId, str], ...] = ()
    missing: tuple[str, ...] = ()
    unserved: bool = False


class Connections(Protocol):
    """A person's consents, given, ended and refused."""

    async def of(self, person: PersonId) -> tuple[Connection, ...]:
        """All of them, newest first."""
        ...

    async def one(self, person: PersonId, consent: ConsentId) -> Connection:
        """Raises `NotFound` also when it is another person's."""
        ...

    async def receipt(self, person: PersonId, consent: ConsentId, version: int) -> bytes:
        """The receipt as JSON. Raises `NotFound`."""
        ...


class Withdrawal(Protocol):
    """Ending a consent: needs nothing but the person."""

    async def withdraw(self, person: PersonId, consent: ConsentId, *, requested_us: int) -> int | None:
        """Idempotent. The feed's `seq` of the ending; None when it had ended before. Raises `NotFound`."""
        ...


class Closures(Protocol):
    """How far an ending has got (signals)."""

    async def wait(self, consent: ConsentId, seq: int, seconds: float, /) -> Closure:
        """Return when it is closed, or what is known after that long."""
        ...

    async def of(self, consent: ConsentId) -> tuple[Closure, ...]:
        """Every ending of this consent, oldest first."""
        ...


class Logout(Protocol):
    """Signing out at an app's wish, by its handle. Raises `NotFound` when that is over."""

    async def arrive(self, handle: str, session: Session | None) -> Leaving:
        """Who asks, and whether the person is asked."""
        ...

    async def left(self, handle: str, session: Session | None) -> None:
        """The session has ended."""
        ...

    async def leave(self, session: Session) -> str | None:
        """The handle of the page to show after a session ended by itself; None if there is nothing to show."""
        ...

    async def farewell(self, handle: str) -> Farewell:
        """What to load, and where to go."""
        ...


EndpointLabel = Callable[[ApiId, str], str]
"""The catalog's words for a route of an API (`Catalog.endpoint_label`)."""


@dataclass(frozen=True, slots=True)
class Services:
    """All of them together."""

    sign_in: SignIn
    passkeys: Passkeys
    methods: OwnMethods
    providers: Providers
    sessions: Sessions
    enrolment: Enrolment
    interaction: Interaction
    elsewhere: AskedElsewhere
    connections: Connections
    withdrawal: Withdrawal
    closures: Closures
    record: LedgerReader
    endpoint_label: EndpointLabel
    logout: Logout
