"""The revocation feed: what an authority tells its gateways, and what they answer. Words and bytes only."""

import hashlib
from enum import StrEnum
from typing import Literal

import msgspec

from grantline.model.ids import ClientId, ConsentId, GatewayId, SessionId


class Position(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A place in the feed. Positions of different incarnations must never be compared as equals' order."""

    incarnation: int
    seq: int


class Kind(StrEnum):
    """What an entry cuts off or announces."""

    GRANT = "grant"
    FAMILY = "family"
    TOKEN = "token"
    CLIENT = "client"
    SUBJECT = "subject"
    AGENT = "agent"
    KEY = "key"
    POLICY = "policy"
    CATALOG = "catalog"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the feed. `seq` is gap-free and in commit order.

    `min_epoch`: tokens of this grant with a lower epoch are refused (kind grant).
    `before_position`: tokens minted before this place are refused (client, subject, agent, key, family). A client
    without it was registered or let act again: nothing is refused, the bundle tells of it. Kind key: `id` is the
    thumbprint of a client's key, or the kid of one of ours: then whatever it signed is refused, wherever it says it
    was minted, and without `before_position` only the bundle's keys have changed.
    Kind token has neither: `id` is a `jti` and is refused. Kinds policy and catalog: `id` is the new hash.
    `cause` is a `Reason` code. `until`: unix seconds after which nothing this entry refuses can still be valid.
    """

    seq: int
    kind: Kind
    id: str
    cause: str
    until: int
    min_epoch: int | None = None
    before_position: Position | None = None


class NewEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before its number is known; `cut_off=True` asks for `before_position` = the entry's own place.

    `client` and `requested_us` (wall time at which the request reached the authority) are for closures alone; they
    are kept beside the entry and never sent to gateways.
    """

    kind: Kind
    id: str
    cause: str
    until: int
    min_epoch: int | None = None
    cut_off: bool = False
    client: ClientId | None = None
    requested_us: int | None = None


class Marks(msgspec.Struct, frozen=True):
    """The policy and catalog that the feed announced last, as hashes; empty before the first announcement."""

    policy: str = ""
    catalog: str = ""

    def after(self, entry: Entry) -> "Marks":
        """These marks once `entry` is applied."""
        if entry.kind is Kind.POLICY:
            return Marks(entry.id, self.catalog)
        if entry.kind is Kind.CATALOG:
            return Marks(self.policy, entry.id)
        return self


def chain(previous: bytes, entry: Entry) -> bytes:
    """The feed's running digest after `entry`: SHA-256(previous ‖ canonical entry). Starts from 32 zero bytes."""
    return hashlib.sha256(previous + msgspec.json.encode(entry, order="deterministic")).digest()


def digest(link: bytes, marks: Marks) -> str:
    """What both ends compare: hex of SHA-256(chain ‖ policy hash ‖ catalog hash), hashes as UTF-8, each after a NUL."""
    return hashlib.sha256(link + b"\0" + marks.policy.encode() + b"\0" + marks.catalog.encode()).hexdigest()


# Gateway → authority


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message of a session: this boot, and the place up to which the gateway's own tables stand."""

    boot: str
    position: Position | None
    workers: tuple[str, ...]


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """The gateway keeps the send time of each `n` itself (CLOCK_BOOTTIME)."""

    boot: str
    n: int


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """Cumulative, for all workers, repeated with every ping.

    `workers`: (worker, applied seq, oldest call still waiting to leave is not below it).
    `busy`: grants that an applied entry ended and that still have calls in flight in some worker.
    `digest`: `digest` of the chain and the loaded bundle's hashes as the gateway holds them at the lowest applied
    place; empty while the bundle that the feed announced is not loaded (the gateway denies meanwhile).
    `keys`: kids of the loaded bundle: none signs before every gateway has it.
    """

    session: SessionId
    boot: str
    incarnation: int
    digest: str
    workers: tuple[tuple[str, int], ...]
    busy: tuple[ConsentId, ...] = ()
    keys: tuple[str, ...] = ()


# Authority → gateway


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Told once the session is committed; `base_*` is the place just before the oldest entry the authority holds."""

    session: SessionId
    incarnation: int
    lease_ms: int
    beat_ms: int
    base_seq: int
    base_chain: str
    base_marks: Marks = Marks()


class Entries(msgspec.Struct, frozen=True, tag="entries"):
    """Entries in order without gaps, from the place the gateway named (or from the base after `resync`)."""

    incarnation: int
    resync: bool
    entries: tuple[Entry, ...]


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Echo of the last ping of this boot; `head` was read after that ping arrived, from the primary."""

    session: SessionId
    boot: str
    ping: int
    incarnation: int
    head: int
    digest: str


FromGateway = Hello | Ping | Ack
FromAuthority = Welcome | Entries | Beat

FEED_PATH = "/gateway/feed"
VERSION_PATH = "/gateway/versions"
BUNDLE_PATH = "/gateway/bundle"
ENROL_PATH = "/gateway/enrol"
TOKEN_PATH = "/gateway/tokens"
CALLS_PATH = "/gateway/calls"


# Closures


class ClosureState(StrEnum):
    """Open: nothing told yet. Partial: some acknowledged, none of the rest fenced. Unknown: nobody can count."""

    OPEN = "open"
    PARTIAL = "partial"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class GatewayClosure(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway session did about one entry. Times in microseconds after the commit returned."""

    gateway: GatewayId
    session: SessionId
    how: Literal["acknowledged", "fenced", "waiting"]
    after_us: int | None


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """How far the ending of one consent has got. `committed_us` is wall time of the commit."""

    seq: int
    consent: ConsentId
    client: ClientId
    requested_us: int
    committed_us: int
    state: ClosureState
    closed_after_us: int | None
    drained_after_us: int | None
    gateways: tuple[GatewayClosure, ...]
