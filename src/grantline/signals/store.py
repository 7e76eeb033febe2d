"""What signals keeps: gateways and their sessions, closures, and the feed as it is read back."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from grantline.model.feed import Closure, Entry, Marks, Position
from grantline.model.ids import ClientId, ConsentId, GatewayId, SessionId
from grantline.model.ports import FeedLog, Outbox


class EnrolledGateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway and the public key it proves itself by (RFC 7517). `removed_us`: an operator took it out."""

    gateway: GatewayId
    thumbprint: str
    jwk: dict[str, str]
    enrolled_us: int
    removed_us: int | None = None


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of one gateway, committed before its first beat. Times in unix µs."""

    session: SessionId
    gateway: GatewayId
    boot: str
    opened_us: int


class FeedLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with what is kept beside it for its closure."""

    entry: Entry
    client: ClientId | None
    requested_us: int | None


class FeedBase(msgspec.Struct, frozen=True, kw_only=True):
    """The place just before the oldest entry that is still kept."""

    seq: int = 0
    chain: bytes = bytes(32)
    marks: Marks = Marks()


class FeedRows(Protocol):
    """The feed as readers need it: from a place on, and from the oldest place on."""

    async def head(self) -> tuple[Position, bytes]:
        """The last place and the chain digest there."""
        ...

    async def base(self) -> FeedBase:
        """The place before the oldest entry kept."""
        ...

    async def after(self, seq: int, limit: int) -> Sequence[FeedLine]:
        """At most `limit` entries that follow `seq`, in order."""
        ...

    async def forget(self, base: FeedBase) -> None:
        """Drop all entries up to `base` and remember it."""
        ...

    async def raise_incarnation(self, skip: int) -> Position:
        """After a failover or restore: the next incarnation, `skip` numbers beyond any that was given before."""
        ...


class KeeperRows(Protocol):
    """Which process keeps the feed, and the longest lease that may be in force."""

    async def take(self, holder: str) -> None:
        """Become the one process that sends beats; any other finds itself deposed at its next proof."""
        ...

    async def prove(self, holder: str) -> bool:
        """Write that `holder` still is the keeper; False if it is not."""
        ...

    async def lease_ms(self) -> int:
        """The longest lease that any gateway may still hold; 0 before the first."""
        ...

    async def allow_lease(self, lease_ms: int) -> None:
        """Remember the longest lease in force."""
        ...


class EnrolmentRows(Protocol):
    """Gateways, their keys, and the tokens by which they enrol."""

    async def keep_token(self, token_hash: str, gateway: GatewayId, ends_at: int) -> None:
        """A one-time token (its SHA-256, hex) that lets `gateway` enrol until unix seconds `ends_at`."""
        ...

    async def token(self, token_hash: str) -> tuple[GatewayId, int, int | None] | None:
        """Gateway, end and time of use (unix seconds) of a token."""
        ...

    async def spend_token(self, token_hash: str, now: int) -> None:
        """Mark the token as used."""
        ...

    async def enrol(self, gateway: EnrolledGateway) -> None:
        """Keep the gateway with this key; an older key of the same gateway ends."""
        ...

    async def by_thumbprint(self, thumbprint: str) -> EnrolledGateway | None:
        """The gateway with this key (RFC 7638 thumbprint), unless it was removed."""
        ...

    async def gateways(self) -> Sequence[EnrolledGateway]:
        """All that are enrolled and not removed."""
        ...

    async def remove(self, gateway: GatewayId, removed_us: int) -> bool:
        """Take the gateway out; False if there is none."""
        ...


class SessionRows(Protocol):
    """Sessions that could hold a lease."""

    async def open(self, row: SessionRow) -> None:
        """Keep a session."""
        ...

    async def ended(self, session: SessionId, ended_us: int) -> None:
        """Its connection is gone. It stays in the wait."""
        ...

    async def retired(self, session: SessionId, retired_us: int) -> None:
        """No lease of it can be in force any more."""
        ...

    async def waiting(self) -> Sequence[SessionRow]:
        """All that are not retired."""
        ...


class ClosureRows(Protocol):
    """Closures as they were committed before they were told."""

    async def keep(self, incarnation: int, closure: Closure) -> None:
        """Insert or replace the closure of its entry."""
        ...

    async def of_entry(self, seq: int) -> Closure | None:
        """The closure of one entry."""
        ...

    async def of_consent(self, consent: ConsentId) -> Sequence[Closure]:
        """All closures of one consent in order."""
        ...

    async def closed_after(self, seq: int) -> frozenset[int]:
        """Which entries that follow `seq` are closed."""
        ...

    async def not_drained(self, seq: int) -> Sequence[Closure]:
        """Closures of entries that follow `seq`, with calls that may still be in flight."""
        ...

    async def line(self, seq: int) -> FeedLine | None:
        """The feed entry itself, while it is kept."""
        ...

    async def lines_of(self, consent: ConsentId) -> Sequence[FeedLine]:
        """Entries that end this consent and are still kept."""
        ...


class GatewayRows(Protocol):
    """Everything above, as one attribute of a transaction."""

    @property
    def feed(self) -> FeedRows: ...
    @property
    def keeper(self) -> KeeperRows: ...
    @property
    def enrolments(self) -> EnrolmentRows: ...
    @property
    def sessions(self) -> SessionRows: ...
    @property
    def closures(self) -> ClosureRows: ...


class BurnedRows(Protocol):
    """Identifiers that count once, shared by every process over the state."""

    async def keep(self, purpose: str, digest: bytes, until: int) -> bool:
        """Keep it until unix seconds `until`; False if it is kept already."""
        ...


class Transaction(Protocol):
    """What signals' units of work are written against."""

    @property
    def gateways(self) -> GatewayRows: ...
    @property
    def feed(self) -> FeedLog: ...
    @property
    def burned(self) -> BurnedRows: ...
    @property
    def outbox(self) -> Outbox: ...
