"""A whole authorization server in one process over a real SQLite file, with the world handed in."""

import shutil
import tempfile
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from sqlalchemy import select

from grantline.app.rules import decider_for
from grantline.authorization import Answered, Delivery, Interaction, Keys, Question, Server, Settings, oauth_endpoints
from grantline.authorization.http import Response
from grantline.authorization.steps.dpop import nonces_from
from grantline.catalog import Catalog, build_catalog
from grantline.consent import Consents, Offer, Picks, ResourceChoice
from grantline.crypto.es256 import SigningKey
from grantline.crypto.nonces import Nonces
from grantline.identity import PersonRow, Session, Sessions
from grantline.model.events import Event
from grantline.model.ids import ApiId, PersonId
from grantline.parties import Client, read_client, upsert
from grantline.policy import Decider, Policies, core_texts, data_entity
from grantline.sdk.client import Begun, Prover, Tokens
from grantline.sdk.client import Client as AppClient
from grantline.storage.postgres.connection import Address
from grantline.storage.postgres.database import PostgresDatabase
from grantline.storage.schema.shared import FEED, OUTBOX
from grantline.storage.sql.authorization import SqlBurned, SqlFamilies, SqlTickets
from grantline.storage.sql.calls import SqlCalls
from grantline.storage.sql.client_sessions import SqlClientSessions
from grantline.storage.sql.clients import SqlClients
from grantline.storage.sql.consent import SqlConsents
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.elsewhere import SqlElsewhere
from grantline.storage.sql.exchanged_tokens import SqlExchangedTokens
from grantline.storage.sql.grants import SqlDescents, SqlTrustedIssuers
from grantline.storage.sql.identity import SqlEnrolments, SqlGuesses, SqlPeople, SqlSessions
from grantline.storage.sql.opaque_tokens import SqlOpaqueTokens
from grantline.storage.sql.registration import SqlInitialTokens, SqlRegistrations
from grantline.storage.sql.shared import SqlFeedLog, SqlOutbox
from grantline.storage.sql.sign_in import SqlLinks
from grantline.storage.sqlite.connection import Connect, connect
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables
from grantline.storage.statements import Statement

ISSUER = "http://localhost:9000"
CALLBACK = "https://app.example/callback"
T0 = 1_800_000_000
CATALOG = Path(__file__).parent.parent / "demo" / "catalog.toml"


class Tx:
    """The stores that the authorization server sees."""

    def __init__(self, cursor: Cursor) -> None:
        self.tickets = SqlTickets(cursor)
        self.families = SqlFamilies(cursor)
        self.burned = SqlBurned(cursor)
        self.opaque_tokens = SqlOpaqueTokens(cursor)
        self.exchanged = SqlExchangedTokens(cursor)
        self.clients = SqlClients(cursor)
        self.registrations = SqlRegistrations(cursor)
        self.initial_tokens = SqlInitialTokens(cursor)
        self.consents = SqlConsents(cursor)
        self.descents = SqlDescents(cursor)
        self.calls = SqlCalls(cursor)
        self.issuers = SqlTrustedIssuers(cursor)
        self.people = SqlPeople(cursor)
        self.sessions = SqlSessions(cursor)
        self.enrolments = SqlEnrolments(cursor)
        self.links = SqlLinks(cursor)
        self.client_sessions = SqlClientSessions(cursor)
        self.elsewhere = SqlElsewhere(cursor)
        self.guesses = SqlGuesses(cursor)
        self.outbox = SqlOutbox(cursor)
        self.feed = SqlFeedLog(cursor)
        self.cursor = cursor


@dataclass
class HandClock:
    """Time that moves when a test says so."""

    us: int = T0 * 1_000_000

    def wall_us(self) -> int:
        return self.us

    def boot_ns(self) -> int:
        return self.us * 1_000

    def pass_seconds(self, seconds: float) -> None:
        self.us += int(seconds * 1_000_000)


class Counted:
    """Randomness that never repeats and is the same in every run."""

    def __init__(self, seed: int = 0) -> None:
        self._next = seed << 32

    def __call__(self, size: int) -> bytes:
        import hashlib

        self._next += 1
        return hashlib.shake_128(self._next.to_bytes(8, "big")).digest(size)


class PlainPages:
    """Says which page would be shown."""

    def sign_in(self, handle: str, acr: tuple[str, ...]) -> str:
        return f"/sign-in?{urlencode({'request': handle, **({'acr': ' '.join(acr)} if acr else {})})}"

    def consent(self, handle: str) -> str:
        return f"/consent/{handle}"

    def posting(self, url: str, fields: tuple[tuple[str, str], ...]) -> Response:
        return Response(200, f"post to {url}: {urlencode(fields)}".encode())

    def answered(self, handle: str) -> str:
        return f"/answered/{handle}"

    def device(self) -> str:
        return "/device"

    def sign_out(self, handle: str) -> str:
        return f"/sign-out/{handle}"

    def error(self, code: str, reference: str) -> Response:
        return Response(400, f"error page: {code}".encode())


@dataclass
class TwoAccounts:
    """An API that lists two accounts, one of which cannot be shared."""

    asked: list[tuple[ApiId, str]] = field(default_factory=list)

    async def of(self, api: ApiId, owner: str) -> tuple[ResourceChoice, ...]:
        self.asked.append((api, owner))
        return (
            ResourceChoice("acc-1", "Everyday", "shared", True, None),
            ResourceChoice("acc-2", "Savings", None, True, None),
            ResourceChoice("acc-3", "Closed", None, False, "it is closed"),
        )


APP_KEY = SigningKey.generate()
PUBLIC = read_client(
    {
        "id": "budget", "name": "Budget", "publisher": "Budget Ltd", "web": "https://app.example",
        "redirect_uris": [CALLBACK, "http://127.0.0.1/cb"],
        "scopes": ["bank.transactions", "bank.balances", "bank.categories", "calendar.events", "openid"],
        "details": ["bank_data"], "grants": ["authorization_code", "refresh_token"],
    }
)  # fmt: skip
CONFIDENTIAL = read_client(
    {
        "id": "ledgerly", "name": "Ledgerly", "publisher": "Ledgerly Ltd", "web": "https://ledgerly.example",
        "redirect_uris": ["https://ledgerly.example/cb"], "auth": "private_key_jwt", "jwks": [APP_KEY.public.jwk],
        "scopes": ["bank.transactions"], "grants": ["authorization_code", "refresh_token"], "dpop_bound": False,
    }
)  # fmt: skip


@dataclass
class World:
    """One server and everything around it. `app`: ASGI. `http`: reaches it without a network."""

    path: Path
    clock: HandClock
    server: Server
    interaction: Interaction
    database: Database[Tx] | PostgresDatabase[Tx]
    http: httpx2.AsyncClient
    lists: TwoAccounts
    sessions: Sessions
    policy: list[Decider]
    session: Session | None = None
    address: Address | None = None
    people: dict[str, PersonId] = field(default_factory=dict)

    def serve(self, server: Server) -> None:
        """From now on this is the server."""
        self.server, self.interaction = server, Interaction(server)
        transport = httpx2.ASGITransport(app=oauth_endpoints(server))
        self.http = httpx2.AsyncClient(transport=transport, base_url=ISSUER)

    def forbid(self, *overlays: str) -> None:
        """From now on the organisation's own policies are these."""
        self.policy[0] = policy_of(*overlays)

    async def sign_in(self, name: str = "ada", amr: tuple[str, ...] = ("pwd",)) -> Session:
        """A fresh session for this person; the next browser request carries it."""
        person = self.people[name]
        old = self.session.secret if self.session else None
        self.session = await self.database.write(lambda tx: self.sessions.begin(tx, person, amr, old))  # type: ignore[arg-type]
        return self.session

    async def browse(self, url: str) -> httpx2.Response:
        """One request of the browser, with its session."""
        cookie = {"cookie": f"s={self.session.secret}"} if self.session else {}
        return await self.http.get(url, headers=cookie)

    async def register(self, *clients: Client) -> None:
        for client in clients:
            await self.database.write(lambda tx, one=client: upsert(tx, one, self.clock, self.server.randomness))

    def app(self, client: Client = PUBLIC, dpop: SigningKey | None = None, redirect: str | None = None) -> AppClient:
        """An app as integrators write it. A public client always has a key of its own."""
        confidential = client.confidential
        key = dpop or (SigningKey.generate() if client.dpop_bound else None)
        prover = Prover(client.id, key, APP_KEY if confidential else None, self.clock, self.server.randomness)
        return AppClient(self.http, ISSUER, prover, redirect or client.redirect_uris[0])

    async def allow(self, begun: Begun, session: Session | None = None, picks: Picks | None = None) -> str:
        """The person arrives, looks and allows; the address that the browser is sent to."""
        session = session or self.session or await self.sign_in()
        location = (await self.browse(begun.url)).headers["location"]
        if not location.startswith("/"):
            return location
        handle = handle_of(location)
        offer = await self.look(handle, session)
        assert isinstance(offer, Offer), offer
        return (await self.interaction.approve(handle, picks or every(offer), session, digest=offer.digest)).url

    async def look(self, handle: str, session: Session) -> Offer | Answered:
        """What the person is asked, or what came of it before."""
        question = await self.interaction.question(handle, session)
        return question.offer if isinstance(question, Question) else question

    async def connect(self, app: AppClient, scope: str = "bank.transactions", **more: str) -> Tokens:
        """The whole way from asking to tokens."""
        begun = await app.begin(scope=scope, **more)
        return await app.finish(begun, await self.allow(begun))

    async def events(self) -> list[Event]:
        import msgspec

        rows = await self.database.read(_outbox)
        return [msgspec.json.decode(row, type=Event) for row in rows]

    async def feed(self) -> list[dict[str, Any]]:
        """Everything that gateways are told."""
        import msgspec

        return [msgspec.json.decode(row) for row in await self.database.read(_feed)]

    async def endings(self) -> list[dict[str, Any]]:
        """Entries of the feed that end something; apps that were registered end nothing."""
        return [entry for entry in await self.feed() if entry["cause"] != "client_changed"]

    async def close(self) -> None:
        await self.http.aclose()
        closing = self.database.close()
        if closing is not None:
            await closing


_EVENTS = Statement(select(OUTBOX.c.body).order_by(OUTBOX.c.seq))
_ENTRIES = Statement(select(FEED.c.body).order_by(FEED.c.seq))


async def _outbox(tx: Tx) -> list[bytes]:
    return [row[0] for row in await tx.cursor.all(_EVENTS)]


async def _feed(tx: Tx) -> list[bytes]:
    return [row[0] for row in await tx.cursor.all(_ENTRIES)]


def every(offer: Offer, days: int | None = None) -> Picks:
    """Everything on the screen, the first account of each API, and each yes that is asked for."""
    resources = {group.api: (group.choices[0].id,) for group in offer.resources}
    lines, explicit = (frozenset(one.key for one in those) for those in (offer.lines, offer.explicit))
    return Picks(lines, resources, days or offer.default_days, explicit)


def nonces_of(pairwise_key: bytes) -> Nonces:
    """The nonces of an authority with this key file."""
    return nonces_from(Keys.of(SigningKey.generate(), pairwise_key).refresh)


def handle_of(location: str) -> str:
    """The request's handle out of a page's address."""
    return location.rsplit("/", 1)[-1] if "/consent/" in location else parse_qs(urlsplit(location).query)["request"][0]


def query_of(answer: str | Delivery) -> dict[str, str]:
    """The parameters of an answer."""
    url = answer if isinstance(answer, str) else answer.url
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def load() -> Catalog:
    """The demonstration's catalog."""
    return build_catalog(tomllib.loads(CATALOG.read_text()))


@cache
def policy_of(*overlays: str) -> Decider:
    """The policy of that catalog, with these additions."""
    file = load().file
    data = [
        data_entity(f"{api}/{name}", sensitivity=data.sensitivity, special=data.special)
        for api, entry in file.apis.items()
        for name, data in entry.data.items()
    ]
    return Decider(Policies(core_texts(file.actions, overlays)), data)


@cache
def _empty_file() -> Path:
    """A file with all tables, made once and copied."""
    path = Path(tempfile.mkdtemp(prefix="grantline-")) / "empty.db"
    create_tables(path)
    return path


def empty_copy(path: Path) -> Path:
    """A file with all tables at `path`."""
    shutil.copy(_empty_file(), path)
    return path


async def make_world(
    path: Path, *, settings: Settings | None = None, clock: HandClock | None = None, seed: int = 0, fresh: bool = True,
    keys: Keys | None = None,
    connect: Connect = connect, catalog: Catalog | None = None, address: Address | None = None,
) -> World:  # fmt: skip
    """A server over the file at `path`; `fresh` False opens a file that another world made.

    `address`: over that PostgreSQL database instead, which holds the empty tables.
    """
    if fresh and address is None:
        empty_copy(path)
    clock = clock or HandClock()
    randomness = Counted(seed)
    database: Database[Tx] | PostgresDatabase[Tx]
    database = Database(path, Tx, connect=connect) if address is None else PostgresDatabase(address, Tx)
    sessions = Sessions(database, clock, randomness)  # type: ignore[arg-type]
    lists, policy = TwoAccounts(), [decider_for(catalog, ()) if catalog else policy_of()]
    catalog = catalog or load()

    async def session(cookie: str | None) -> Session | None:
        return await sessions.current(None if cookie is None else cookie.removeprefix("s="))

    server = Server(
        issuer=ISSUER,
        keys=keys or Keys.of(SigningKey.generate(), b"k" * 32),
        work=database,
        consents=Consents(clock=clock, randomness=randomness),
        catalog=lambda: catalog,
        policy=lambda: policy[0],
        clock=clock,
        session=session,
        pages=PlainPages(),
        lists=lists,
        settings=settings or Settings(),
        randomness=randomness,
    )
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=oauth_endpoints(server)), base_url=ISSUER)
    world = World(path, clock, server, Interaction(server), database, http, lists, sessions, policy, address=address)
    for name in ("ada", "ben"):
        person = PersonRow(PersonId(f"p_{name}"), name, name.title(), None, (), {ApiId("bank"): f"b-{name}"})
        await database.write(lambda tx, one=person: tx.people.put(one))
        world.people[name] = person.id
    if fresh:
        await world.register(PUBLIC, CONFIDENTIAL)
    return world
