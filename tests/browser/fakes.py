"""In-memory fakes of what the pages ask for. The question itself is the real one: catalog, offer, narrowing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from grantline.authorization import Answered, Deliver, Delivery, Farewell, Leaving, Question, SignIn, Waiting
from grantline.catalog import Asked, Catalog, load_catalog
from grantline.consent import (
    Agreed,
    Change,
    ClientCard,
    ClientProfile,
    Offer,
    Picks,
    ResourceChoice,
    make_offer,
    may,
    narrow,
)
from grantline.consent.lines import offer_lines
from grantline.identity import (
    LinkRow,
    Methods,
    NeedsSecond,
    OpenSession,
    PasskeyRow,
    PersonRow,
    SecondStep,
    Session,
    TooMany,
    TotpOffer,
    UpstreamSettings,
    Visit,
    Wrong,
)
from grantline.model.consent import Item, Status
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.model.feed import Closure, ClosureState, GatewayClosure
from grantline.model.ids import ApiId, ClientId, ConsentId, GatewayId, PersonId, PurposeId, SessionId
from grantline.ui.portal.services import Connection, Services, VersionRow
from tests.browser.fake_elsewhere import FakeElsewhere, both
from tests.browser.fake_record import DAY, NOW, FakeRecord

CATALOG = Path(__file__).parents[2] / "demo" / "catalog.toml"
HOLDER = PersonId("p_holder")
SCOPES = ("bank.transactions", "bank.balances", "bank.categories")
ACCOUNTS = (
    ResourceChoice("a-4821", "Everyday account •• 4821", None, True, None),
    ResourceChoice("a-5530", "Joint account •• 5530", "Shared. The co-owner will be told.", True, None),
    ResourceChoice("a-0937", "Savings account •• 0937", None, True, None),
    ResourceChoice("a-7714", "Business account •• 7714", None, False, "only its owner can share it."),
)


class FakeClock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.us = NOW * 1_000_000 + 208_000

    def wall_us(self) -> int:
        return self.us

    def boot_ns(self) -> int:
        return self.us * 1_000


class FakeRandomness:
    """Counts up, so that every run is the same and no two answers are."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(8, "big").rjust(size, b"\7")[:size]


def card(name: str = "Budget app", tier: str = "verified", **changes: object) -> ClientCard:
    """A client; by default a verified one on its own host."""
    host = f"{name.split(maxsplit=1)[0].lower()}.example"
    verified = "Example Bank" if tier == "verified" else None
    base = ClientCard(ClientId(name), name, tier, "web", host, f"app.{host}", f"{name} publisher, Ireland", verified)
    return replace(base, **changes)  # type: ignore[arg-type]


class FakeIdentity:
    """One person with one password, sessions by secret, one enrolment link."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.made = 0
        self.wait = 0
        self.second: SecondStep | None = None
        self.links: dict[str, PersonRow | None] = {
            "link-1": PersonRow(HOLDER, "holder", "Account holder", None, (), {}, None)
        }

    def begin(self) -> Session:
        self.made += 1
        secret = f"s_secret_{self.made}"
        session = Session(
            f"id-{self.made}", HOLDER, "holder", "Account holder", NOW, ("pwd",), f"csrf-{self.made}", secret
        )
        self.sessions[secret] = session
        return session

    async def password(self, username: str, given: str, visit: Visit) -> Session | NeedsSecond | Wrong | TooMany:
        if self.wait:
            return TooMany(self.wait)
        if (username, given) != ("holder", "a long enough password"):
            return Wrong()
        if self.second is not None:
            return NeedsSecond("b_step")
        self.sessions.pop(visit.replaced or "", None)
        return self.begin()

    async def waiting_second(self, step: str | None) -> SecondStep | None:
        return self.second if step == "b_step" else None

    async def may_go_on(self, session: Session) -> bool:
        return False

    async def code(self, step: str, given: str, visit: Visit) -> Session | NeedsSecond | Wrong | TooMany | None:
        return self.begin() if given == "123456" else Wrong()

    async def current(self, secret: str | None) -> Session | None:
        return self.sessions.get(secret or "")

    async def end(self, session: Session) -> None:
        self.sessions = {secret: each for secret, each in self.sessions.items() if each.id != session.id}

    async def waiting(self, token: str) -> PersonRow | None:
        if token not in self.links:
            raise NotFound("This link is over.")
        return self.links[token]

    async def of(self, person: PersonId) -> tuple[OpenSession, ...]:
        here = [
            OpenSession(each.id, "Firefox on Linux", NOW, NOW, each.acr) for each in reversed(self.sessions.values())
        ]
        return (*here, OpenSession("id-phone", "Safari on iPhone", NOW - 3 * DAY, NOW - DAY, "urn:grantline:acr:mfa"))

    async def end_one(self, person: PersonId, id: str) -> bool:
        return False

    async def end_others(self, session: Session) -> int:
        return 0

    async def complete(self, token: str, username: str, password: str, visit: Visit) -> Session | NeedsSecond:
        await self.waiting(token)
        if len(password) < 12:
            raise InvalidRequest("Use 12 to 256 characters.")
        del self.links[token]
        return self.begin()


class FakeSignIn:
    """The typed steps of `FakeIdentity`, under the names that the pages use."""

    def __init__(self, identity: FakeIdentity) -> None:
        self.password = identity.password
        self.waiting = identity.waiting_second
        self.may_go_on = identity.may_go_on
        self.code = identity.code


class FakeMethods:
    """What the holder signs in with. Nothing can be changed here: flows do that over the real parts."""

    def __init__(self) -> None:
        keys = ("Laptop", "Work phone"), (False, True)
        self.held = Methods(
            password=True,
            passkeys=tuple(
                PasskeyRow(f"key-{number}", HOLDER, name, b"", 0, synced, NOW - 40 * DAY, NOW - number * DAY or None)
                for number, (name, synced) in enumerate(zip(*keys, strict=True))
            ),
            totp_since=NOW - 9 * DAY,
            recovery=2,
            links=(LinkRow("https://id.corp.example", "sub", HOLDER, NOW - DAY),),
        )

    async def of(self, person: PersonId) -> Methods:
        return self.held

    async def require_fresh(self, session: Session) -> None:
        return

    async def offer_totp(self, session: Session, operator: str) -> TotpOffer:
        secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        return TotpOffer("b_offer", secret, f"otpauth://totp/{operator}:holder?secret={secret}&issuer={operator}")

    async def offered_totp(self, session: Session, handle: str, operator: str) -> TotpOffer:
        return await self.offer_totp(session, operator)

    async def add_totp(self, session: Session, handle: str, code: str, visit: Visit) -> Session | Wrong:
        return Wrong()

    async def new_recovery_codes(self, session: Session) -> tuple[str, ...]:
        return tuple(f"7K2M-Q9XD-0FH{number}" for number in range(10))


class FakeProviders:
    """One other provider, linked."""

    def __init__(self) -> None:
        self.known = (
            UpstreamSettings(
                name="corp", title="Example Corp", issuer="https://id.corp.example", client_id="grantline"
            ),
            UpstreamSettings(
                name="uni", title="Example University", issuer="https://id.uni.example", client_id="grantline"
            ),
        )

    def all(self) -> tuple[UpstreamSettings, ...]:
        return self.known


HOSTILE = "\"><script src=//evil.example></script>'&amp;"
"""A state that would leave its attribute, if it could."""


@dataclass
class FakeInteraction:
    """Waiting requests by handle, answered once. Offers and narrowing are those of the consent part."""

    catalog: Catalog
    clients: dict[str, ClientCard]
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    approved: list[Agreed] = field(default_factory=list)
    answered: dict[str, Answered] = field(default_factory=dict)
    posted: set[str] = field(default_factory=set)
    hints: dict[str, str] = field(default_factory=dict)
    next: dict[str, SignIn | Deliver] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    elsewhere: FakeElsewhere = field(default_factory=lambda: both(card("Living room TV"), card("Call centre")))

    def profile(self, handle: str) -> ClientProfile:
        asked = self.asked(handle)
        return ClientProfile(
            card=self.clients[handle], ceiling=tuple(one.item for one in asked), metadata_hash="0" * 64,
            contact="help@app.example",
        )  # fmt: skip

    def asked(self, handle: str) -> tuple[Asked, ...]:
        if handle in self.changes:
            return self.changes[handle].asked
        return self.catalog.asked_by_scopes(self.scopes.get(handle, SCOPES))

    async def open(self, handle: str) -> Waiting:
        if handle not in self.clients:
            raise NotFound("It is over.")
        client = self.clients[handle]
        redirect = self.redirects.get(handle, f"https://{client.redirect_host}/callback")
        return Waiting(client, redirect, self.hints.get(handle, ""), self.elsewhere.seen(handle), NOW - 60)

    async def arrive(self, handle: str, session: Session) -> SignIn | Deliver | Question | Answered:
        await self.open(handle)
        return self.next.get(handle) or await self.question(handle, session)

    async def question(self, handle: str, session: Session) -> Question | Answered:
        waiting = await self.open(handle)
        return self.answered.get(handle) or Question(
            self.offer(handle), waiting.redirect_uri, self.asked(handle), self.catalog, waiting.elsewhere,
            waiting.asked_at,
        )  # fmt: skip

    def offer(self, handle: str) -> Offer:
        return make_offer(
            catalog=self.catalog,
            client=self.profile(handle),
            asked=self.asked(handle),
            resources={ApiId("bank"): ACCOUNTS},
            now=NOW,
            wanted_days=None if handle in self.changes else 90,
            change=self.changes.get(handle),
        )

    async def decline(self, handle: str, session: Session) -> Delivery:
        if handle in self.answered:
            raise Conflict("It was answered.")
        return await self.refuse(handle, session)

    async def outcome(self, handle: str, session: Session) -> Answered | None:
        return self.answered.get(handle)

    async def approve(
        self, handle: str, picks: Picks | Callable[[Offer], Picks], session: Session, *, digest: str
    ) -> Delivery:
        await self.open(handle)
        if handle in self.answered:
            raise NotFound("It was answered.")
        offer = self.offer(handle)
        agreed = narrow(
            catalog=self.catalog, client=self.profile(handle), asked=self.asked(handle),
            offer=offer, picks=picks(offer) if callable(picks) else picks, digest=digest,
            kept=self.changes[handle].kept if handle in self.changes else (),
        )  # fmt: skip
        self.approved.append(agreed)
        return self._answer(handle, "allowed", "code=abc")

    async def refuse(self, handle: str, session: Session) -> Delivery:
        await self.open(handle)
        return self._answer(handle, "refused", "error=access_denied")

    def _answer(self, handle: str, what: str, query: str) -> Delivery:
        consent = ConsentId("g_budget") if what == "allowed" else None
        asked = self.elsewhere.requests.get(handle)
        way = None if asked is None else asked.way
        self.answered[handle] = Answered(self.clients[handle], what, NOW, consent, way)  # type: ignore[arg-type]
        if way is not None:
            return Delivery(f"/answered/{handle}")
        redirect = self.redirects.get(handle, f"https://{self.clients[handle].redirect_host}/callback")
        if handle in self.posted:
            name, _, value = query.partition("=")
            return Delivery(redirect, ((name, value), ("state", HOSTILE)))
        return Delivery(f"{redirect}?{query}")


def connection(
    catalog: Catalog, name: str, *, days: tuple[int, int], fields: tuple[str, ...], status: Status = Status.ACTIVE,
    ended_days_ago: int | None = None, accounts: int = 1, purpose: str = "budgeting", tier: str = "verified",
    kind: str = "web",
) -> Connection:  # fmt: skip
    """Given `days[0]` days ago for `days[0] + days[1]` days; fields are those of one kind of data."""
    data = "events" if "start" in fields else "transactions"
    api = "calendar" if data == "events" else "bank"
    item = Item(
        type=f"{api}_data", api=ApiId(api), actions=("read",), datatype=data, fields=fields,
        resources=tuple(f"a{number}" for number in range(accounts)) if api == "bank" else (),
        purpose=PurposeId(purpose), locations=(),
    )  # fmt: skip
    lines = offer_lines(catalog, [Asked(item=item, required=fields)])
    given = NOW - days[0] * DAY
    return Connection(
        consent=ConsentId(f"g_{name.split(maxsplit=1)[0].lower()}"),
        client=card(name, tier, kind=kind),
        status=status,
        lines=lines,
        may=may(catalog, [item]),
        given_at=given,
        until=NOW + days[1] * DAY,
        ended_at=None if ended_days_ago is None else NOW - ended_days_ago * DAY,
        lookback_since=given - 180 * DAY if api == "bank" else None,
        versions=(VersionRow(1, given, "given", "a" * 64),),
    )


class FakeConnections:
    """One person's connections."""

    def __init__(self, catalog: Catalog) -> None:
        five = ("date", "amount", "category", "merchant", "iban")
        every = [
            connection(catalog, "Budget app", days=(85, 95), fields=five),
            connection(catalog, "Assistant", days=(12, 2), fields=("date", "amount"), kind="agent"),
            connection(catalog, "Calendar helper", days=(190, 170), fields=("start", "end"), purpose="scheduling"),
            connection(
                catalog, "Tax tool", days=(224, 137), fields=five[:4], status=Status.SUSPENDED, accounts=2,
                purpose="tax",
            ),
            connection(
                catalog, "Loan app", days=(102, 40), fields=five[:3], status=Status.WITHDRAWN, ended_days_ago=5,
                purpose="credit-check", tier="self_registered",
            ),
        ]  # fmt: skip
        self.all = {each.consent: each for each in every}
        self.withdrawn: list[tuple[ConsentId, int]] = []

    async def of(self, person: PersonId) -> tuple[Connection, ...]:
        return tuple(self.all.values()) if person == HOLDER else ()

    async def one(self, person: PersonId, consent: ConsentId) -> Connection:
        if person != HOLDER or consent not in self.all:
            raise NotFound("There is no such connection.")
        return self.all[consent]

    async def receipt(self, person: PersonId, consent: ConsentId, version: int) -> bytes:
        await self.one(person, consent)
        return b'{"receipt_id": "r-1"}'

    async def withdraw(self, person: PersonId, consent: ConsentId, *, requested_us: int) -> int | None:
        found = await self.one(person, consent)
        if found.status is Status.WITHDRAWN:
            return None
        self.all[consent] = replace(found, status=Status.WITHDRAWN, ended_at=NOW)
        self.withdrawn.append((consent, requested_us))
        return 7


def gateway(name: str, how: Literal["acknowledged", "fenced", "waiting"], after_us: int | None) -> GatewayClosure:
    """What one gateway did."""
    return GatewayClosure(
        gateway=GatewayId(name),
        session=SessionId(f"x-{name}"),
        how=how,
        after_us=after_us,
    )


def closure(state: ClosureState, *gateways: GatewayClosure, drained: int | None = 131_000) -> Closure:
    """A stop at now, committed 9 ms after the click."""
    clicked = NOW * 1_000_000 + 208_000
    after = max((each.after_us or 0 for each in gateways), default=0)
    closed = state is ClosureState.CLOSED
    return Closure(
        seq=7, consent=ConsentId("g_budget"), client=ClientId("Budget app"), requested_us=clicked,
        committed_us=clicked + 9_000, state=state, closed_after_us=after if closed else None,
        drained_after_us=drained if closed else None, gateways=gateways,
    )  # fmt: skip


CLOSED = closure(
    ClosureState.CLOSED, gateway("bank", "acknowledged", 9_000), gateway("calendar", "acknowledged", 32_000)
)
BY_LEASE = closure(
    ClosureState.CLOSED, gateway("bank", "acknowledged", 9_000), gateway("calendar", "fenced", 2_191_000)
)
PARTIAL = closure(ClosureState.PARTIAL, gateway("bank", "acknowledged", 9_000), gateway("calendar", "waiting", None))
UNKNOWN = closure(ClosureState.UNKNOWN, gateway("bank", "waiting", None), gateway("calendar", "waiting", None))


class FakeClosures:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.said = CLOSED

    async def wait(self, consent: ConsentId, seq: int, seconds: float, /) -> Closure:
        return self.said

    async def of(self, consent: ConsentId) -> tuple[Closure, ...]:
        return (self.said,)


class FakeLogout:
    """Wishes of an app to sign out, and what is left to do afterwards."""

    def __init__(self) -> None:
        self.asks = {"w-budget": Leaving(card(), True), "w-sure": Leaving(card(), False)}
        self.over = {"w-done": Farewell(None, (), None)}
        self.ended: list[str] = []

    async def arrive(self, handle: str, session: Session | None) -> Leaving:
        if handle not in self.asks:
            raise NotFound("It is over.")
        return self.asks[handle]

    async def left(self, handle: str, session: Session | None) -> None:
        self.ended.append(handle)
        self.over[handle] = Farewell(card(), (), "https://app.example/bye?state=1")

    async def leave(self, session: Session) -> str | None:
        return None

    async def farewell(self, handle: str) -> Farewell:
        if handle not in self.over:
            raise NotFound("It is over.")
        return self.over[handle]


class FakeWorld:
    """All of them together, with the requests that wait."""

    def __init__(self, catalog: Catalog | None = None) -> None:
        self.catalog = catalog or load_catalog(CATALOG)
        self.clock = FakeClock()
        self.identity = FakeIdentity()
        self.methods = FakeMethods()
        self.providers = FakeProviders()
        self.interaction = FakeInteraction(
            self.catalog,
            clients={
                "h-budget": card(),
                "h-loan": card("Loan app", "self_registered", publisher=""),
                "h-local": card(host="localhost", redirect_host="127.0.0.1:8400"),
            },
            scopes={"h-loan": ("bank.transactions",)},
            redirects={"h-local": "http://127.0.0.1:8400/callback"},
        )
        self.elsewhere = self.interaction.elsewhere
        for handle, asked in self.elsewhere.requests.items():
            self.interaction.clients[handle] = asked.client
        self.connections = FakeConnections(self.catalog)
        self.logout = FakeLogout()
        self.closures = FakeClosures()
        self.record = FakeRecord()

    def services(self) -> Services:
        return Services(
            sign_in=FakeSignIn(self.identity),  # type: ignore[arg-type]
            passkeys=None,  # type: ignore[arg-type]
            methods=self.methods,  # type: ignore[arg-type]
            providers=self.providers,  # type: ignore[arg-type]
            sessions=self.identity,
            enrolment=self.identity,
            interaction=self.interaction,
            elsewhere=self.elsewhere,
            connections=self.connections,
            withdrawal=self.connections,
            closures=self.closures,
            record=self.record,
            endpoint_label=self.catalog.endpoint_label,
            logout=self.logout,
        )
