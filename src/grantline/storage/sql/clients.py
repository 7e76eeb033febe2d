"""Registrations."""

from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, delete, func, select

from grantline.model.ids import ClientId
from grantline.parties import Client
from grantline.storage.schema.clients import CLIENTS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement, insert

_GET = Statement(select(CLIENTS.c.body).where(CLIENTS.c.id == bindparam("client")))
_ALL = Statement(select(CLIENTS.c.body).order_by(CLIENTS.c.id))
_CHANGED = Statement(
    select(func.coalesce(func.max(CLIENTS.c.changed_at), 0).label("at"), func.count().label("n")).select_from(CLIENTS)
)
_new = insert(CLIENTS).values(id=bindparam("client"), body=bindparam("body"), changed_at=bindparam("at"))
_PUT = Statement(
    _new.on_conflict_do_update(
        index_elements=[CLIENTS.c.id], set_={"body": _new.excluded.body, "changed_at": _new.excluded.changed_at}
    )
)
_REMOVE = Statement(delete(CLIENTS).where(CLIENTS.c.id == bindparam("client")))


class SqlClients:
    """Implements `ClientRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def get(self, client: ClientId) -> Client | None:
        """The registration, or None."""
        row = await self._cursor.one(_GET, client=client)
        return None if row is None else _read(row["body"])

    async def all(self) -> tuple[Client, ...]:
        """Every registration, by id."""
        return tuple(_read(row["body"]) for row in await self._cursor.all(_ALL))

    async def changed(self) -> tuple[int, int]:
        """When one was last changed, and how many there are: another answer means that something is new."""
        row = await self._cursor.one(_CHANGED)
        return (0, 0) if row is None else (int(row["at"]), int(row["n"]))

    async def put(self, client: Client, at: int) -> None:
        """Keep the registration in place of an earlier one."""
        await self._cursor.run(_PUT, client=client.id, body=msgspec.json.encode(client), at=at)

    async def remove(self, client: ClientId) -> None:
        """Forget it."""
        await self._cursor.run(_REMOVE, client=client)


# Keyed by the stored bytes: a changed registration is another key, so nothing stale is ever read.
@lru_cache(maxsize=4_096)
def _read(body: bytes) -> Client:
    return msgspec.json.decode(body, type=Client)
