"""Consents over a real SQLite file, the demonstration's catalog and a clock that the test moves."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy import select

from grantline.catalog import Asked, Catalog, build_catalog, load_catalog
from grantline.consent import (
    Agreed,
    Approval,
    Change,
    ClientCard,
    ClientProfile,
    Consents,
    Manner,
    Offer,
    Picks,
    ResourceChoice,
    change,
    make_offer,
    narrow,
)
from grantline.model.consent import Ceremony, State, Version
from grantline.model.events import Event
from grantline.model.feed import Entry
from grantline.model.ids import ApiId, ClientId, ConsentId, PersonId, SubjectId
from grantline.storage.schema.shared import FEED, OUTBOX
from grantline.storage.sql.consent import SqlConsents
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.shared import SqlFeedLog, SqlOutbox
from grantline.storage.sqlite.connection import connect
from grantline.storage.sqlite.cursor import SqliteCursor
from grantline.storage.sqlite.database import Database, drive
from grantline.storage.sqlite.testing_schema import create_tables
from grantline.storage.statements import Statement

CATALOG = Path(__file__).parents[1] / "demo" / "catalog.toml"
SCOPES = ("bank.transactions", "bank.balances", "bank.categories")
BANK = ApiId("bank")
HOLDER, OTHER = PersonId("p_holder"), PersonId("p_other")
DAY = 86_400
ACCOUNTS = {
    BANK: (
        ResourceChoice("a1", "Everyday account", None, True, None),
        ResourceChoice("a2", "Joint account", "Shared. The co-owner will be told.", True, None),
        ResourceChoice("a3", "Business account", None, False, "only its owner can share it"),
    )
}
MERCHANT = "bank.transactions.read.budgeting:field.merchant"
OTHER_PARTY = "bank.transactions.read.budgeting:group.other_party"
BALANCE = "bank.accounts.read.budgeting:field.balance"
CATEGORY = "bank.categories.write.budgeting:all"
PICKS = Picks(lines=frozenset({MERCHANT, BALANCE}), resources={BANK: ("a1",)}, days=90)
"""What the person of the story picks: five fields of one account, nothing to change."""


class Tx:
    """What consents ask of a transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self.consents = SqlConsents(cursor)
        self.outbox = SqlOutbox(cursor)
        self.feed = SqlFeedLog(cursor)


class MovableClock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_795_000_000

    def wall_us(self) -> int:
        return self.seconds * 1_000_000

    def boot_ns(self) -> int:
        return self.seconds * 1_000_000_000


class Counted:
    """Randomness that is the same in every run and never repeats."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return hashlib.shake_256(self.calls.to_bytes(8, "big")).digest(size)


def profile(catalog: Catalog, scopes: tuple[str, ...] = SCOPES) -> ClientProfile:
    """The verified budgeting app; its ceiling is what its registered scopes name."""
    card = ClientCard(
        id=ClientId("budget"), name="Budget app", tier="verified", kind="app", host="budget.example",
        redirect_host="app.budget.example", publisher="Budget app publisher", verified_by="Example Bank",
    )  # fmt: skip
    return ClientProfile(
        card=card, ceiling=catalog.scope_items(scopes), metadata_hash="ab" * 32, contact="https://budget.example"
    )


def ceremony(number: int = 1) -> Ceremony:
    """One decision of a signed-in person."""
    return Ceremony(id=f"c_{number}", amr=("pwd",), auth_time=1_795_000_000, decided_ms=9_000, channel="authorize")


def sensitive(*data: str) -> Catalog:
    """The demonstration's catalog, with these kinds of data (`api.data`) as special categories."""
    raw = tomllib.loads(CATALOG.read_text(encoding="utf-8"))
    for name in data:
        api, _, kind = name.partition(".")
        raw["apis"][api]["data"][kind]["special"] = True
    return build_catalog(raw)


@dataclass
class World:
    """Everything a test of consents touches. `database` None: only asking and answering is tested."""

    catalog: Catalog = field(default_factory=lambda: load_catalog(CATALOG))
    clock: MovableClock = field(default_factory=MovableClock)
    database: Database[Tx] | None = None
    path: Path | None = None
    used: int = 0

    def __post_init__(self) -> None:
        self.consents = Consents(clock=self.clock, randomness=Counted())
        self.client = profile(self.catalog)
        self.asked = self.catalog.asked_by_scopes(SCOPES)

    @classmethod
    def at(cls, path: Path, catalog: Catalog | None = None) -> "World":
        create_tables(path)
        return cls(catalog or load_catalog(CATALOG), database=Database(path, Tx), path=path)

    @property
    def work(self) -> Database[Tx]:
        assert self.database is not None
        return self.database

    def offer(self, asked: tuple[Asked, ...] | None = None, change: Change | None = None) -> Offer:
        return make_offer(
            catalog=self.catalog, client=self.client, asked=self.asked if asked is None else asked, resources=ACCOUNTS,
            now=self.clock.seconds, change=change,
        )  # fmt: skip

    def agree(
        self, picks: Picks = PICKS, asked: tuple[Asked, ...] | None = None, change: Change | None = None
    ) -> Agreed:
        asked = (asked or self.asked) if change is None else change.asked
        offer = self.offer(asked, change)
        return narrow(
            catalog=self.catalog, client=self.client, asked=asked, offer=offer, picks=picks, digest=offer.digest,
            kept=() if change is None else change.kept,
        )  # fmt: skip

    def change(self, before: Version, manner: Manner, *scopes: str) -> Change:
        """A client asks for these scopes on what stands."""
        asked = self.catalog.asked_by_scopes(scopes)
        ceiling, scope = self.client.ceiling, " ".join(scopes)
        return change(self.catalog, before, manner=manner, asked=asked, scope=scope, ceiling=ceiling)

    def approval(self, picks: Picks = PICKS, change: Change | None = None) -> Approval:
        self.used += 1
        asked = self.asked if change is None else change.all_asked
        scope = " ".join(("openid", *SCOPES)) if change is None else change.scope
        return Approval(
            client=self.client, asked=asked, scope=scope, agreed=self.agree(picks, change=change),
            ceremony=ceremony(self.used), resource_subjects=((BANK, "owner-1"), (ApiId("calendar"), "owner-9")),
        )  # fmt: skip

    async def request(self, person: PersonId = HOLDER) -> State:
        return await self.work.write(
            lambda tx: self.consents.request(
                tx,
                person=person,
                subject=SubjectId(f"s_{person[2:]}"),
                client=self.client.card.id,
                asked=self.asked,
                scope=" ".join(SCOPES),
            )
        )

    async def given(self, picks: Picks = PICKS) -> tuple[State, Version]:
        state = await self.request()
        return await self.give(state.consent_id, picks)

    async def give(self, consent: ConsentId, picks: Picks = PICKS) -> tuple[State, Version]:
        approval = self.approval(picks)
        return await self.work.write(
            lambda tx: self.consents.give(tx, catalog=self.catalog, consent=consent, person=HOLDER, approval=approval)
        )

    async def state(self, consent: ConsentId) -> State:
        found = await self.work.read(lambda tx: tx.consents.get(consent))
        assert found is not None
        return found

    def events(self) -> list[Event]:
        """The outbox, read past the code under test."""
        return [msgspec.json.decode(body, type=Event) for body in self._bodies(OUTBOX)]

    def feed(self) -> list[Entry]:
        """The revocation feed, read past the code under test."""
        return [msgspec.json.decode(body, type=Entry) for body in self._bodies(FEED)]

    def _bodies(self, table) -> list[bytes]:
        assert self.path is not None
        connection = connect(self.path)
        rows = drive(SqliteCursor(connection).all(Statement(select(table.c.body).order_by(table.c.seq))))
        connection.close()
        return [row[0] for row in rows]
