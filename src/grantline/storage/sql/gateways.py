"""Gateways, sessions and closures."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, select, update

from grantline.model.feed import Closure, Kind
from grantline.model.ids import ConsentId, GatewayId, SessionId
from grantline.signals.store import EnrolledGateway, FeedLine, SessionRow
from grantline.storage.schema.gateways import CLOSURES, GATEWAY_SESSIONS, GATEWAY_TOKENS, GATEWAYS
from grantline.storage.schema.shared import FEED
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.sql.feed_reading import SqlFeedRows, SqlKeeperRows, feed_line
from grantline.storage.statements import Statement, insert

_KEEP_TOKEN = Statement(
    insert(GATEWAY_TOKENS).values(hash=bindparam("hash"), gateway=bindparam("gateway"), ends_at=bindparam("ends_at"))
)
_TOKEN = Statement(select(GATEWAY_TOKENS).where(GATEWAY_TOKENS.c.hash == bindparam("wanted")))
_SPEND = Statement(
    update(GATEWAY_TOKENS).where(GATEWAY_TOKENS.c.hash == bindparam("wanted")).values(used_at=bindparam("now"))
)
_NEW_GATEWAY = insert(GATEWAYS).values(
    gateway=bindparam("gateway"),
    thumbprint=bindparam("thumbprint"),
    jwk=bindparam("jwk"),
    enrolled_us=bindparam("enrolled_us"),
    removed_us=None,
)
_ENROL = Statement(
    _NEW_GATEWAY.on_conflict_do_update(
        index_elements=["gateway"],
        set_={name: _NEW_GATEWAY.excluded[name] for name in ("thumbprint", "jwk", "enrolled_us", "removed_us")},
    )
)
_BY_KEY = Statement(
    select(GATEWAYS).where(GATEWAYS.c.thumbprint == bindparam("wanted"), GATEWAYS.c.removed_us.is_(None))
)
_GATEWAYS = Statement(select(GATEWAYS).where(GATEWAYS.c.removed_us.is_(None)).order_by(GATEWAYS.c.gateway))
_REMOVE = Statement(
    update(GATEWAYS)
    .where(GATEWAYS.c.gateway == bindparam("wanted"), GATEWAYS.c.removed_us.is_(None))
    .values(removed_us=bindparam("us"))
)
_OPEN = Statement(
    insert(GATEWAY_SESSIONS).values(
        session=bindparam("session"),
        gateway=bindparam("gateway"),
        boot=bindparam("boot"),
        opened_us=bindparam("opened_us"),
    )
)
_ENDED = Statement(
    update(GATEWAY_SESSIONS).where(GATEWAY_SESSIONS.c.session == bindparam("wanted")).values(ended_us=bindparam("us"))
)
_RETIRED = Statement(
    update(GATEWAY_SESSIONS).where(GATEWAY_SESSIONS.c.session == bindparam("wanted")).values(retired_us=bindparam("us"))
)
_WAITING = Statement(
    select(GATEWAY_SESSIONS).where(GATEWAY_SESSIONS.c.retired_us.is_(None)).order_by(GATEWAY_SESSIONS.c.opened_us)
)
_NEW_CLOSURE = insert(CLOSURES).values(
    seq=bindparam("seq"),
    incarnation=bindparam("incarnation"),
    consent=bindparam("consent"),
    drained=bindparam("drained"),
    body=bindparam("body"),
)
_KEEP_CLOSURE = Statement(
    _NEW_CLOSURE.on_conflict_do_update(
        index_elements=["seq"], set_={name: _NEW_CLOSURE.excluded[name] for name in ("drained", "body")}
    )
)
_CLOSURE = Statement(select(CLOSURES.c.body).where(CLOSURES.c.seq == bindparam("wanted")))
_CLOSURES_OF = Statement(
    select(CLOSURES.c.body).where(CLOSURES.c.consent == bindparam("wanted")).order_by(CLOSURES.c.seq)
)
_NOT_DRAINED = Statement(
    select(CLOSURES.c.body).where(CLOSURES.c.drained == 0, CLOSURES.c.seq > bindparam("place")).order_by(CLOSURES.c.seq)
)
_CLOSED_AFTER = Statement(select(CLOSURES.c.seq).where(CLOSURES.c.seq > bindparam("place")))
_LINE = Statement(select(FEED).where(FEED.c.seq == bindparam("wanted")))
_LINES_OF = Statement(
    select(FEED).where(FEED.c.kind == Kind.GRANT.value, FEED.c.id == bindparam("wanted")).order_by(FEED.c.seq)
)


class SqlEnrolmentRows:
    """Implements `EnrolmentRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def keep_token(self, token_hash: str, gateway: GatewayId, ends_at: int) -> None:
        """Keep a token's hash."""
        await self._cursor.run(_KEEP_TOKEN, hash=token_hash, gateway=gateway, ends_at=ends_at)

    async def token(self, token_hash: str) -> tuple[GatewayId, int, int | None] | None:
        """Whose it is, its end, and when it was used."""
        row = await self._cursor.one(_TOKEN, wanted=token_hash)
        return None if row is None else (GatewayId(row["gateway"]), row["ends_at"], row["used_at"])

    async def spend_token(self, token_hash: str, now: int) -> None:
        """Mark it as used."""
        await self._cursor.run(_SPEND, wanted=token_hash, now=now)

    async def enrol(self, gateway: EnrolledGateway) -> None:
        """Keep the gateway; a former key is replaced."""
        await self._cursor.run(
            _ENROL,
            gateway=gateway.gateway,
            thumbprint=gateway.thumbprint,
            jwk=msgspec.json.encode(gateway.jwk),
            enrolled_us=gateway.enrolled_us,
        )

    async def by_thumbprint(self, thumbprint: str) -> EnrolledGateway | None:
        """The gateway that proves itself by this key."""
        row = await self._cursor.one(_BY_KEY, wanted=thumbprint)
        return None if row is None else _gateway(row)

    async def gateways(self) -> Sequence[EnrolledGateway]:
        """All that may connect."""
        return [_gateway(row) for row in await self._cursor.all(_GATEWAYS)]

    async def remove(self, gateway: GatewayId, removed_us: int) -> bool:
        """Take it out."""
        return await self._cursor.run(_REMOVE, wanted=gateway, us=removed_us) > 0


class SqlSessionRows:
    """Implements `SessionRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def open(self, row: SessionRow) -> None:
        """Keep a session."""
        await self._cursor.run(_OPEN, session=row.session, gateway=row.gateway, boot=row.boot, opened_us=row.opened_us)

    async def ended(self, session: SessionId, ended_us: int) -> None:
        """Its connection is gone."""
        await self._cursor.run(_ENDED, wanted=session, us=ended_us)

    async def retired(self, session: SessionId, retired_us: int) -> None:
        """Its leases are certainly over."""
        await self._cursor.run(_RETIRED, wanted=session, us=retired_us)

    async def waiting(self) -> Sequence[SessionRow]:
        """All that could hold a lease."""
        return [
            SessionRow(
                session=SessionId(row["session"]),
                gateway=GatewayId(row["gateway"]),
                boot=row["boot"],
                opened_us=row["opened_us"],
            )
            for row in await self._cursor.all(_WAITING)
        ]


class SqlClosureRows:
    """Implements `ClosureRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def keep(self, incarnation: int, closure: Closure) -> None:
        """Insert or replace."""
        await self._cursor.run(
            _KEEP_CLOSURE,
            seq=closure.seq,
            incarnation=incarnation,
            consent=closure.consent,
            drained=int(closure.drained_after_us is not None),
            body=msgspec.json.encode(closure),
        )

    async def of_entry(self, seq: int) -> Closure | None:
        """The closure of one entry."""
        row = await self._cursor.one(_CLOSURE, wanted=seq)
        return None if row is None else _closure(row)

    async def of_consent(self, consent: ConsentId) -> Sequence[Closure]:
        """All of one consent."""
        return [
            msgspec.json.decode(row["body"], type=Closure)
            for row in await self._cursor.all(_CLOSURES_OF, wanted=consent)
        ]

    async def closed_after(self, seq: int) -> frozenset[int]:
        """Entries with a closure."""
        return frozenset(row["seq"] for row in await self._cursor.all(_CLOSED_AFTER, place=seq))

    async def not_drained(self, seq: int) -> Sequence[Closure]:
        """Closed and not yet drained."""
        return [
            msgspec.json.decode(row["body"], type=Closure) for row in await self._cursor.all(_NOT_DRAINED, place=seq)
        ]

    async def line(self, seq: int) -> FeedLine | None:
        """One entry of the feed."""
        row = await self._cursor.one(_LINE, wanted=seq)
        return None if row is None else feed_line(row)

    async def lines_of(self, consent: ConsentId) -> Sequence[FeedLine]:
        """Entries that end one consent."""
        return [feed_line(row) for row in await self._cursor.all(_LINES_OF, wanted=consent)]


class SqlGateways:
    """Implements `GatewayRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self.feed = SqlFeedRows(cursor)
        self.keeper = SqlKeeperRows(cursor)
        self.enrolments = SqlEnrolmentRows(cursor)
        self.sessions = SqlSessionRows(cursor)
        self.closures = SqlClosureRows(cursor)


def _gateway(row: Row) -> EnrolledGateway:
    return EnrolledGateway(
        gateway=GatewayId(row["gateway"]),
        thumbprint=row["thumbprint"],
        jwk=msgspec.json.decode(row["jwk"], type=dict[str, str]),
        enrolled_us=row["enrolled_us"],
        removed_us=row["removed_us"],
    )


def _closure(row: Row) -> Closure:
    return msgspec.json.decode(row["body"], type=Closure)
