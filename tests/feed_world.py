"""One authority and its gateways in memory: real feed, SQL and follower; clock and network in the test's hand."""

import asyncio
import itertools
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.schema import CreateIndex, CreateTable

from grantline.gateway.cutoffs import Cutoffs, SavedTable
from grantline.gateway.following import Following, Lost
from grantline.gateway.standing import Departure, Standing
from grantline.model.clock import Clock, SystemClock
from grantline.model.events import Event
from grantline.model.feed import (
    Ack,
    Closure,
    ClosureState,
    FromAuthority,
    Kind,
    NewEntry,
    Position,
)
from grantline.model.ids import ClientId, ConsentId, GatewayId, SubjectId, TokenId
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims
from grantline.signals.feed.closures import Closures
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.sessions import Session, Wire
from grantline.signals.feed.settings import FeedSettings
from grantline.signals.store import EnrolledGateway
from grantline.storage.schema.base import METADATA
from grantline.storage.sql.authorization import SqlBurned
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.gateways import SqlGateways
from grantline.storage.sql.shared import SqlFeedLog, SqlOutbox
from grantline.storage.sqlite.cursor import SqliteCursor
from grantline.storage.sqlite.database import drive
from grantline.storage.statements import SQLITE

T = TypeVar("T")
MS = 1_000_000
FENCE_MS = 2_200
"""Lease 2,000 ms + 5 % + 100 ms of upstream skew."""


class ManualClock:
    """Both clocks, moved by the test alone. `rate`: how fast it runs against the world's."""

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate
        self.boot = 1_000_000 * MS
        self.wall = 1_800_000_000_000_000

    def pass_ms(self, milliseconds: float) -> None:
        self.boot += int(milliseconds * MS * self.rate)
        self.wall += int(milliseconds * 1_000)

    def wall_us(self) -> int:
        return self.wall

    def boot_ns(self) -> int:
        return self.boot


class Tx:
    """The parts of a transaction that signals uses."""

    def __init__(self, cursor: Cursor) -> None:
        self.gateways = SqlGateways(cursor)
        self.feed = SqlFeedLog(cursor)
        self.outbox = SqlOutbox(cursor)
        self.burned = SqlBurned(cursor)


class MemoryWork:
    """The real statements on an in-memory database. `hold`: units run, but their callers wait for `release`."""

    def __init__(self, connection: sqlite3.Connection | None = None) -> None:
        self.connection = connection or _empty()
        self.held: asyncio.Event | None = None

    async def write(self, unit: Callable[[Tx], Awaitable[T]], *, essential: bool = False) -> T:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            answer = drive(unit(Tx(SqliteCursor(self.connection))))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        if self.held is not None:
            await self.held.wait()
        return answer

    async def read(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        self.connection.execute("BEGIN")
        try:
            return drive(unit(Tx(SqliteCursor(self.connection))))
        finally:
            self.connection.execute("COMMIT")

    def copy(self) -> "MemoryWork":
        """The database as it is now: what a standby holds that hears nothing more."""
        other = MemoryWork()
        self.connection.backup(other.connection)
        return other


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for table in METADATA.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=SQLITE)))
        for index in table.indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=SQLITE)))
    return connection


def claims(grant: str = "g", epoch: int = 1, **other: Any) -> AccessClaims:
    """A token's claims; minted at the very beginning unless told otherwise."""
    values: dict[str, Any] = {
        "iss": "https://authority.example",
        "aud": ("https://bank.example/api",),
        "sub": SubjectId("s_1"),
        "client_id": ClientId("app"),
        "exp": 1_800_000_300,
        "iat": 1_800_000_000,
        "jti": TokenId("t_1"),
        "scope": "bank.balances",
        "grant_id": ConsentId(grant),
        "gver": 1,
        "gep": epoch,
        "seq": Position(1, 0),
        "pur": (),
    }
    return AccessClaims(**{**values, **other})


@dataclass
class Rules:
    """The classes that hold the rules. A test replaces one of them to take a rule away."""

    feed: type[Feed] = Feed
    following: type[Following] = Following
    standing: type[Standing] = Standing
    settings: FeedSettings = field(default_factory=FeedSettings)
    system: type[SystemClock] = SystemClock


class World:
    """One authority. Nothing moves unless the test says so."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.clock = ManualClock()
        self.clocks = [self.clock]
        self.work = MemoryWork()
        self.feed: Feed
        self.closures: Closures
        self._random = itertools.count(1)

    def randomness(self, size: int) -> bytes:
        return next(self._random).to_bytes(size, "big")

    def pass_ms(self, milliseconds: float, *, stopped: Sequence[ManualClock] = ()) -> None:
        """Time passes everywhere, except on clocks that stand still."""
        for clock in self.clocks:
            if clock not in stopped:
                clock.pass_ms(milliseconds)

    async def start(self) -> "World":
        """The authority starts, or starts again with nothing but its database."""
        self.feed = self.rules.feed(self.work, self.clock, self.randomness, self.rules.settings)
        self.closures = Closures(self.work, self.feed)
        await self.feed.start()
        return self

    async def gateway(
        self, name: str = "bank", *, workers: int = 1, rate: float = 1.0, clock: Clock | None = None
    ) -> "Gateway":
        """An enrolled gateway with a lease. `clock`: its own, which this world does not move."""
        manual = ManualClock(rate)
        gateway = Gateway(self, name, workers, clock or manual)
        if clock is None:
            self.clocks.append(manual)
        jwk = {"kty": "EC", "crv": "P-256", "x": name, "y": name}
        row = EnrolledGateway(gateway=GatewayId(name), thumbprint=name, jwk=jwk, enrolled_us=0)
        await self.work.write(lambda tx: tx.gateways.enrolments.enrol(row))
        await gateway.connect()
        await gateway.round()
        return gateway

    async def end(self, grant: str = "g", min_epoch: int = 2, cause: Reason = Reason.GRANT_WITHDRAWN) -> int:
        """Commit an ending and tell the feed. Returns its number."""
        return await self.enter(Kind.GRANT, grant, min_epoch=min_epoch, cause=cause)

    async def enter(self, kind: Kind, name: str, **other: Any) -> int:
        until = self.clock.wall // 1_000_000 + 300
        cause = other.pop("cause", Reason.GRANT_REVOKED)
        entry = NewEntry(
            kind=kind,
            id=name,
            cause=cause,
            until=until,
            client=ClientId("app"),
            requested_us=self.clock.wall_us(),
            **other,
        )
        kept = await self.work.write(lambda tx: tx.feed.append(entry))
        self.feed.wake()
        await self.feed.push()
        return kept.seq

    async def closure(self, seq: int) -> Closure:
        await self.feed.settle()
        return await self.closures.follow(seq)

    async def closed(self, seq: int) -> bool:
        return (await self.closure(seq)).state is ClosureState.CLOSED

    async def drained(self, seq: int) -> bool:
        return (await self.closure(seq)).drained_after_us is not None

    def upstream(self, departure: Reason | Departure) -> bool:
        """Whether a call begins there now: it must have left, and its context must not have ended."""
        skew_us = self.rules.settings.upstream_skew_ms * 1_000
        return isinstance(departure, Departure) and self.clock.wall_us() <= departure.stands.ends_us + skew_us

    def events(self) -> list[Event]:
        import msgspec

        rows = self.work.connection.execute("SELECT body FROM outbox ORDER BY seq").fetchall()
        return [msgspec.json.decode(row[0], type=Event) for row in rows]


class Gateway:
    """One gateway process with its workers. `inbox`: what the authority sent and the network still holds."""

    def __init__(self, world: World, name: str, workers: int, clock: Clock) -> None:
        self.world = world
        self.name = GatewayId(name)
        self.clock = clock
        self.findings: list[str] = []
        self.inbox: list[FromAuthority] = []
        self._workers = workers
        self.session: Session
        self.boot(None)

    def boot(self, saved: SavedTable | None) -> None:
        """The process starts with what its file holds."""
        rules = self.world.rules
        self.workers = [rules.standing(self.clock, worker=str(n)) for n in range(self._workers)]
        self.following = rules.following(
            boot=f"boot-{next(self.world._random)}",
            clock=self.clock,
            workers=self.workers,
            table=Cutoffs.restored(saved),
            finding=self.findings.append,
        )
        self.inbox = []

    @property
    def standing(self) -> Standing:
        return self.workers[-1]

    async def connect(self) -> None:
        inbox: list[FromAuthority] = []
        self.inbox, self.dropped = inbox, False
        wire = Wire(inbox.append, self._drop)
        self.session = await self.world.feed.open(self.name, self.following.hello(), wire, key=str(self.name))

    def _drop(self) -> None:
        self.dropped = True

    def hear(self, *kinds: type) -> None:
        """Deliver what is under way, or of it only these kinds of message."""
        now = [message for message in self.inbox if not kinds or isinstance(message, kinds)]
        for message in now:
            self.inbox.remove(message)
            self.following.receive(message)

    def ping(self) -> None:
        self.world.feed.ping(self.session, self.following.ping())

    async def ack(self) -> Ack | None:
        ack = self.following.acknowledgement()
        if ack is not None:
            await self.world.feed.acknowledge(self.session, ack)
        return ack

    async def round(self) -> None:
        """One round trip that meets no fault."""
        self.hear()
        self.ping()
        await self.world.feed.beat()
        self.hear()
        await self.ack()
        await self.world.feed.settle()

    def stands(self, token: AccessClaims | None = None) -> bool:
        return not isinstance(self.standing.check(token or claims()), Reason)


__all__ = ["FENCE_MS", "Gateway", "Lost", "ManualClock", "MemoryWork", "Rules", "World", "claims"]
