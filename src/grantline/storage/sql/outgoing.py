"""The outbox from its old end: what the relay has still to bring to the ledger."""

import msgspec
from sqlalchemy import bindparam, delete, select

from grantline.model.events import Event
from grantline.storage.schema.shared import OUTBOX
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement

_OLDEST = Statement(select(OUTBOX.c.seq, OUTBOX.c.body).order_by(OUTBOX.c.seq).limit(bindparam("count")))
_FORGET = Statement(delete(OUTBOX).where(OUTBOX.c.seq <= bindparam("upto")))
_event = msgspec.json.Decoder(Event)


class SqlOutgoingEvents:
    """Implements `OutgoingEvents`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def waiting(self, limit: int) -> tuple[tuple[int, Event], ...]:
        """In commit order."""
        return tuple((row["seq"], _event.decode(row["body"])) for row in await self._cursor.all(_OLDEST, count=limit))

    async def forget(self, upto: int) -> None:
        """Also everything older."""
        await self._cursor.run(_FORGET, upto=upto)
