"""The outbox and the feed. Numbers come from counter rows, so they are gap-free in commit order."""

import msgspec
from sqlalchemy import bindparam, insert, select, update

from grantline.model.events import Event
from grantline.model.feed import Entry, NewEntry, Position, chain
from grantline.storage.schema.shared import FEED, FEED_HEAD, OUTBOX, SEQUENCES
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement

_NEXT = Statement(
    update(SEQUENCES)
    .where(SEQUENCES.c.name == bindparam("counter"))
    .values(value=SEQUENCES.c.value + 1)
    .returning(SEQUENCES.c.value)
)
_FIRST = Statement(insert(SEQUENCES).values(name=bindparam("counter"), value=1))
_KEEP_EVENT = Statement(
    insert(OUTBOX).values(seq=bindparam("seq"), event_id=bindparam("event_id"), body=bindparam("body"))
)
_head = select(FEED_HEAD.c.incarnation, FEED_HEAD.c.seq, FEED_HEAD.c.chain).where(FEED_HEAD.c.id == 1)
_HEAD = Statement(_head)
# Held until the commit is visible; SQLite, whose writers are alone, passes the words over.
_HELD_HEAD = Statement(_head.with_for_update())
_FIRST_HEAD = Statement(insert(FEED_HEAD).values(id=1, incarnation=1, seq=0, chain=bytes(32)))
_ADVANCE = Statement(
    update(FEED_HEAD).where(FEED_HEAD.c.id == 1).values(seq=bindparam("new_seq"), chain=bindparam("new_chain"))
)
_KEEP_ENTRY = Statement(
    insert(FEED).values(
        seq=bindparam("seq"),
        kind=bindparam("kind"),
        id=bindparam("id"),
        until=bindparam("until"),
        body=bindparam("body"),
        chain=bindparam("chain"),
        client=bindparam("client"),
        requested_us=bindparam("requested_us"),
    )
)


class SqlOutbox:
    """Implements `Outbox`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def append(self, event: Event) -> None:
        """Keep the event under the next number of the outbox."""
        row = await self._cursor.one(_NEXT, counter="outbox")
        if row is None:
            await self._cursor.run(_FIRST, counter="outbox")
        number = 1 if row is None else row[0]
        await self._cursor.run(_KEEP_EVENT, seq=number, event_id=event.event_id, body=msgspec.json.encode(event))


class SqlFeedLog:
    """Implements `FeedLog`. The head row is locked by the write transaction until the commit is visible."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def position(self) -> Position:
        """The head as this transaction sees it."""
        row = await self._cursor.one(_HEAD)
        return Position(1, 0) if row is None else Position(row["incarnation"], row["seq"])

    async def append(self, entry: NewEntry) -> Entry:
        """Number, chain and keep the entry."""
        row = await self._cursor.one(_HELD_HEAD)
        if row is None:
            await self._cursor.run(_FIRST_HEAD)
            row = await self._cursor.one(_HELD_HEAD)
            assert row is not None
        seq = row["seq"] + 1
        numbered = Entry(
            seq=seq,
            kind=entry.kind,
            id=entry.id,
            cause=entry.cause,
            until=entry.until,
            min_epoch=entry.min_epoch,
            before_position=Position(row["incarnation"], seq) if entry.cut_off else None,
        )
        link = chain(row["chain"], numbered)
        body = msgspec.json.encode(numbered)
        await self._cursor.run(
            _KEEP_ENTRY,
            seq=seq,
            kind=entry.kind,
            id=entry.id,
            until=entry.until,
            body=body,
            chain=link,
            client=entry.client,
            requested_us=entry.requested_us,
        )
        await self._cursor.run(_ADVANCE, new_seq=seq, new_chain=link)
        return numbered
