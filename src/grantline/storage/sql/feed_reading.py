"""The revocation feed read back: from a place on, its base, its keeper."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import bindparam, delete, select, update

from grantline.model.feed import Entry, Marks, Position, chain
from grantline.signals.store import FeedBase, FeedLine
from grantline.storage.schema.gateways import FEED_BASE, FEED_KEEPER
from grantline.storage.schema.shared import FEED, FEED_HEAD
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement, insert

_HEAD = Statement(select(FEED_HEAD).where(FEED_HEAD.c.id == 1))
_NEW_HEAD = insert(FEED_HEAD).values(
    id=1, incarnation=bindparam("incarnation"), seq=bindparam("seq"), chain=bindparam("chain")
)
_SET_HEAD = Statement(
    _NEW_HEAD.on_conflict_do_update(
        index_elements=["id"], set_={name: _NEW_HEAD.excluded[name] for name in ("incarnation", "seq", "chain")}
    )
)
_AFTER = Statement(select(FEED).where(FEED.c.seq > bindparam("place")).order_by(FEED.c.seq).limit(bindparam("most")))
_ALL_AFTER = Statement(select(FEED).where(FEED.c.seq > bindparam("place")).order_by(FEED.c.seq))
_AGAIN = Statement(
    insert(FEED).values(
        {name: bindparam(name) for name in ("seq", "kind", "id", "until", "body", "chain", "client", "requested_us")}
    )
)
_FORGET = Statement(delete(FEED).where(FEED.c.seq <= bindparam("place")))
_BASE = Statement(select(FEED_BASE).where(FEED_BASE.c.id == 1))
_NEW_BASE = insert(FEED_BASE).values(
    id=1, seq=bindparam("seq"), chain=bindparam("chain"), policy=bindparam("policy"), catalog=bindparam("catalog")
)
_SET_BASE = Statement(
    _NEW_BASE.on_conflict_do_update(
        index_elements=["id"], set_={name: _NEW_BASE.excluded[name] for name in ("seq", "chain", "policy", "catalog")}
    )
)
_NEW_KEEPER = insert(FEED_KEEPER).values(id=1, holder=bindparam("holder"), proofs=0, lease_ms=0)
_TAKE = Statement(
    _NEW_KEEPER.on_conflict_do_update(index_elements=["id"], set_={"holder": _NEW_KEEPER.excluded.holder})
)
_PROVE = Statement(
    update(FEED_KEEPER).where(FEED_KEEPER.c.holder == bindparam("wanted")).values(proofs=FEED_KEEPER.c.proofs + 1)
)
_LEASE = Statement(select(FEED_KEEPER.c.lease_ms).where(FEED_KEEPER.c.id == 1))
_ALLOW = Statement(update(FEED_KEEPER).where(FEED_KEEPER.c.id == 1).values(lease_ms=bindparam("ms")))


class SqlFeedRows:
    """Implements `FeedRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def head(self) -> tuple[Position, bytes]:
        """The last place, with the chain there."""
        row = await self._cursor.one(_HEAD)
        if row is None:
            return Position(1, 0), bytes(32)
        return Position(row["incarnation"], row["seq"]), row["chain"]

    async def base(self) -> FeedBase:
        """The place before the oldest entry."""
        row = await self._cursor.one(_BASE)
        if row is None:
            return FeedBase()
        return FeedBase(seq=row["seq"], chain=row["chain"], marks=Marks(row["policy"], row["catalog"]))

    async def after(self, seq: int, limit: int) -> Sequence[FeedLine]:
        """Entries that follow, in order; all of them where `limit` is negative."""
        if limit < 0:
            return [feed_line(row) for row in await self._cursor.all(_ALL_AFTER, place=seq)]
        return [feed_line(row) for row in await self._cursor.all(_AFTER, place=seq, most=limit)]

    async def forget(self, base: FeedBase) -> None:
        """Drop what is no longer needed."""
        await self._cursor.run(_FORGET, place=base.seq)
        await self._cursor.run(
            _SET_BASE, seq=base.seq, chain=base.chain, policy=base.marks.policy, catalog=base.marks.catalog
        )

    async def raise_incarnation(self, skip: int) -> Position:
        """The next incarnation. What is still kept is entered again beyond the skipped numbers, in the same order."""
        position, _ = await self.head()
        kept = await self._cursor.all(_ALL_AFTER, place=0)
        marks = (await self.base()).marks
        place = Position(position.incarnation + 1, position.seq + skip)
        await self.forget(FeedBase(seq=place.seq, marks=marks))
        link = bytes(32)
        for row in kept:
            place = Position(place.incarnation, place.seq + 1)
            entry = replace(msgspec.json.decode(row["body"], type=Entry), seq=place.seq)
            link = chain(link, entry)
            values = {name: row[name] for name in ("kind", "id", "until", "client", "requested_us")}
            await self._cursor.run(_AGAIN, seq=entry.seq, body=msgspec.json.encode(entry), chain=link, **values)
        await self._cursor.run(_SET_HEAD, incarnation=place.incarnation, seq=place.seq, chain=link)
        return place


class SqlKeeperRows:
    """Implements `KeeperRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def take(self, holder: str) -> None:
        """The holder's name stands in the one row."""
        await self._cursor.run(_TAKE, holder=holder)

    async def prove(self, holder: str) -> bool:
        """A write that only the holder can make."""
        return await self._cursor.run(_PROVE, wanted=holder) == 1

    async def lease_ms(self) -> int:
        """The longest lease in force."""
        row = await self._cursor.one(_LEASE)
        return 0 if row is None else int(row["lease_ms"])

    async def allow_lease(self, lease_ms: int) -> None:
        """Remember it."""
        await self._cursor.run(_ALLOW, ms=lease_ms)


def feed_line(row: Row) -> FeedLine:
    """One row of the feed."""
    return FeedLine(
        entry=msgspec.json.decode(row["body"], type=Entry), client=row["client"], requested_us=row["requested_us"]
    )
