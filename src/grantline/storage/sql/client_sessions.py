"""Sessions at clients in SQL, joined with the sessions themselves, whose rows say what has ended."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update

from grantline.authorization import ClientSessionRow
from grantline.storage.schema.client_sessions import CLIENT_SESSIONS
from grantline.storage.schema.identity import SESSIONS
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement, insert

_NAMES = ClientSessionRow.__struct_fields__
_row = select(*(CLIENT_SESSIONS.c[name] for name in _NAMES))
_this = CLIENT_SESSIONS.c.sid == bindparam("named")
_behind = CLIENT_SESSIONS.c.session == SESSIONS.c.id

_OPEN = Statement(
    insert(CLIENT_SESSIONS)
    .values({name: bindparam(name) for name in _NAMES})
    .on_conflict_do_nothing(index_elements=[CLIENT_SESSIONS.c.session, CLIENT_SESSIONS.c.client])
)
_AT = Statement(
    _row.where(CLIENT_SESSIONS.c.session == bindparam("of"), CLIENT_SESSIONS.c.client == bindparam("at_client"))
)
_BY_SID = Statement(_row.where(_this))
_PRESENT = Statement(select(CLIENT_SESSIONS.c.sid).join(SESSIONS, _behind).where(_this, SESSIONS.c.ended_at.is_(None)))
_OF = Statement(
    _row.where(CLIENT_SESSIONS.c.session == bindparam("of")).order_by(CLIENT_SESSIONS.c.begun_at, CLIENT_SESSIONS.c.sid)
)
_TO_TELL = Statement(
    _row.join(SESSIONS, _behind)
    .where(
        SESSIONS.c.ended_at > bindparam("ended_after"),
        CLIENT_SESSIONS.c.told_at.is_(None),
        CLIENT_SESSIONS.c.due_at <= bindparam("by"),
    )
    .order_by(CLIENT_SESSIONS.c.due_at, CLIENT_SESSIONS.c.sid)
    .limit(bindparam("at_most"))
)
_CLAIM = Statement(
    update(CLIENT_SESSIONS)
    .where(_this, CLIENT_SESSIONS.c.tries == bindparam("after_tries"), CLIENT_SESSIONS.c.told_at.is_(None))
    .values(tries=CLIENT_SESSIONS.c.tries + 1, due_at=bindparam("again"))
)
_TOLD = Statement(update(CLIENT_SESSIONS).where(_this).values(told_at=bindparam("at")))
_over = select(SESSIONS.c.id).where(
    or_(SESSIONS.c.ended_at < bindparam("before"), SESSIONS.c.ends_at < bindparam("before"))
)
_SWEEP = Statement(delete(CLIENT_SESSIONS).where(CLIENT_SESSIONS.c.session.in_(_over)))


class SqlClientSessions:
    """Implements `ClientSessionRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def open(self, row: ClientSessionRow) -> ClientSessionRow:
        """Keep it, unless the session is known to the client already."""
        await self._cursor.run(_OPEN, **msgspec.structs.asdict(row))
        kept = await self._cursor.one(_AT, of=row.session, at_client=row.client)
        assert kept is not None
        return _client_session(kept)

    async def is_present(self, sid: str) -> bool:
        """True while the session behind it has not ended."""
        return await self._cursor.one(_PRESENT, named=sid) is not None

    async def by_sid(self, sid: str) -> ClientSessionRow | None:
        """The session of this name."""
        row = await self._cursor.one(_BY_SID, named=sid)
        return None if row is None else _client_session(row)

    async def of(self, session: str) -> tuple[ClientSessionRow, ...]:
        """At which clients a session is signed in."""
        return tuple(_client_session(row) for row in await self._cursor.all(_OF, of=session))

    async def to_tell(self, now: int, ended_after: int, at_most: int) -> tuple[ClientSessionRow, ...]:
        """Whose clients are to be told."""
        rows = await self._cursor.all(_TO_TELL, by=now, ended_after=ended_after, at_most=at_most)
        return tuple(_client_session(row) for row in rows)

    async def claim(self, row: ClientSessionRow, due_at: int) -> bool:
        """Begin a try."""
        return await self._cursor.run(_CLAIM, named=row.sid, after_tries=row.tries, again=due_at) == 1

    async def told(self, sid: str, at: int) -> None:
        """Nothing more is to be told."""
        await self._cursor.run(_TOLD, named=sid, at=at)

    async def sweep(self, before: int) -> int:
        """Forget those whose session was over before."""
        return await self._cursor.run(_SWEEP, before=before)


def _client_session(row: Row) -> ClientSessionRow:
    values: dict[str, Any] = dict(row)
    return ClientSessionRow(**values)
