"""Requests from elsewhere in SQL."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy import insert as plain_insert

from grantline.authorization import ElsewhereRow, Result, Way
from grantline.model.ids import ClientId
from grantline.storage.schema.elsewhere import ELSEWHERE
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement

_NAMES = ElsewhereRow.__struct_fields__
_row = select(*(ELSEWHERE.c[name] for name in _NAMES))
_this = ELSEWHERE.c.id == bindparam("named")
_open = ELSEWHERE.c.expires_at > bindparam("now")
_of_person = ELSEWHERE.c.waits_for == bindparam("person")

_PUT = Statement(plain_insert(ELSEWHERE).values({name: bindparam(name) for name in _NAMES}))
_GET = Statement(_row.where(_this))
_BY_USER_CODE = Statement(_row.where(ELSEWHERE.c.user_code == bindparam("typed")))
_POLLED = Statement(update(ELSEWHERE).where(_this).values(polled_at=bindparam("at"), interval=bindparam("from_now_on")))
_ANSWERED = Statement(
    update(ELSEWHERE)
    .where(_this)
    .values(waits_for=bindparam("by"), result=bindparam("said"), tell_at=bindparam("tell"))
)
_TAKE_BACK = Statement(
    update(ELSEWHERE).where(_of_person, ELSEWHERE.c.result == Result.ALLOWED.value).values(result=Result.REFUSED.value)
)
_WAITING = Statement(
    _row.where(_of_person, _open, ELSEWHERE.c.result.is_(None)).order_by(ELSEWHERE.c.created_at, ELSEWHERE.c.id)
)
_PRESSING = Statement(
    select(func.count())
    .select_from(ELSEWHERE)
    .where(
        _of_person, _open, ELSEWHERE.c.client == bindparam("by"),
        or_(ELSEWHERE.c.result.is_(None), ELSEWHERE.c.result == Result.REFUSED.value),
    )
)  # fmt: skip
_TO_TELL = Statement(
    _row.where(ELSEWHERE.c.tell_at <= bindparam("by"))
    .order_by(ELSEWHERE.c.tell_at, ELSEWHERE.c.id)
    .limit(bindparam("at_most"))
)
_CLAIM = Statement(
    update(ELSEWHERE)
    .where(_this, ELSEWHERE.c.tries == bindparam("after_tries"), ELSEWHERE.c.tell_at.is_not(None))
    .values(tries=ELSEWHERE.c.tries + 1, tell_at=bindparam("again"))
)
_TOLD = Statement(update(ELSEWHERE).where(_this).values(tell_at=None))
_SWEEP = Statement(delete(ELSEWHERE).where(ELSEWHERE.c.expires_at < bindparam("before")))


class SqlElsewhere:
    """Implements `ElsewhereRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, row: ElsewhereRow) -> None:
        """Keep a new one."""
        await self._cursor.run(_PUT, **msgspec.structs.asdict(row))

    async def get(self, id: str) -> ElsewhereRow | None:
        """The row, whatever became of it."""
        return _found(await self._cursor.one(_GET, named=id))

    async def by_user_code(self, user_code: str) -> ElsewhereRow | None:
        """The row with this code."""
        return _found(await self._cursor.one(_BY_USER_CODE, typed=user_code))

    async def polled(self, id: str, at: int, interval: int) -> None:
        """The client asked."""
        await self._cursor.run(_POLLED, named=id, at=at, from_now_on=interval)

    async def answered(self, id: str, person: str, result: Result, tell_at: int | None) -> None:
        """This person answered."""
        await self._cursor.run(_ANSWERED, named=id, by=person, said=result, tell=tell_at)

    async def take_back(self, person: str) -> int:
        """What they allowed counts as refused."""
        return await self._cursor.run(_TAKE_BACK, person=person)

    async def waiting_for(self, person: str, now: int) -> tuple[ElsewhereRow, ...]:
        """What waits for this person."""
        return tuple(_elsewhere(row) for row in await self._cursor.all(_WAITING, person=person, now=now))

    async def pressing(self, person: str, client: ClientId, now: int) -> int:
        """How many wait or were refused."""
        row = await self._cursor.one(_PRESSING, person=person, by=client, now=now)
        return int(row[0]) if row else 0

    async def to_tell(self, now: int, at_most: int) -> tuple[ElsewhereRow, ...]:
        """Whose clients are to be told."""
        return tuple(_elsewhere(row) for row in await self._cursor.all(_TO_TELL, by=now, at_most=at_most))

    async def claim(self, row: ElsewhereRow, tell_at: int) -> bool:
        """Begin a try."""
        return await self._cursor.run(_CLAIM, named=row.id, after_tries=row.tries, again=tell_at) == 1

    async def told(self, id: str) -> None:
        """Nothing more is to be told."""
        await self._cursor.run(_TOLD, named=id)

    async def sweep(self, before: int) -> int:
        """Forget what expired."""
        return await self._cursor.run(_SWEEP, before=before)


def _found(row: Row | None) -> ElsewhereRow | None:
    return None if row is None else _elsewhere(row)


def _elsewhere(row: Row) -> ElsewhereRow:
    values: dict[str, Any] = dict(row)
    result = values["result"]
    return ElsewhereRow(**{**values, "way": Way(values["way"]), "result": None if result is None else Result(result)})
