"""Calls that were given out, by consent and by what they are about."""

from sqlalchemy import bindparam, select

from grantline.model.ids import ConsentId
from grantline.storage.schema.calls import CALLS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement, insert

_GIVEN = Statement(select(CALLS.c.given).where(CALLS.c.consent == bindparam("of"), CALLS.c.item == bindparam("named")))
_new = insert(CALLS).values(consent=bindparam("consent"), item=bindparam("item"), given=bindparam("given"))
_GIVE = Statement(
    _new.on_conflict_do_update(
        index_elements=[CALLS.c.consent, CALLS.c.item], set_={"given": CALLS.c.given + _new.excluded.given}
    )
)


class SqlCalls:
    """Implements `CallRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def given(self, consent: ConsentId, item: str) -> int:
        """How many went out so far."""
        row = await self._cursor.one(_GIVEN, of=consent, named=item)
        return 0 if row is None else int(row["given"])

    async def give(self, consent: ConsentId, item: str, calls: int) -> None:
        """So many more went out."""
        await self._cursor.run(_GIVE, consent=consent, item=item, given=calls)
