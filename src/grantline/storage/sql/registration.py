"""Registrations that clients made themselves, documents fetched from them, and initial access tokens."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy import insert as plain_insert

from grantline.model.ids import ClientId
from grantline.parties import RegistrationPolicy, RegistrationRow
from grantline.storage.schema.registration import INITIAL_TOKENS, REGISTRATIONS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement, insert

_COLUMNS = ("client", "created_at", "policy", "token", "fresh_until", "settled")
_this = REGISTRATIONS.c.client == bindparam("of")
_new = insert(REGISTRATIONS).values({name: bindparam(name) for name in _COLUMNS})
_PUT = Statement(
    _new.on_conflict_do_update(
        index_elements=[REGISTRATIONS.c.client],
        set_={name: _new.excluded[name] for name in _COLUMNS if name != "client"},
    )
)
_GET = Statement(select(*(REGISTRATIONS.c[name] for name in _COLUMNS)).where(_this))
_STOP = Statement(update(REGISTRATIONS).where(_this).values(token=None))
_SETTLE = Statement(update(REGISTRATIONS).where(_this).values(settled=1))
_UNSETTLED = Statement(
    select(REGISTRATIONS.c.client)
    .where(REGISTRATIONS.c.settled == 0, REGISTRATIONS.c.created_at < bindparam("before"))
    .order_by(REGISTRATIONS.c.created_at)
    .limit(bindparam("most"))
)
_COUNT = Statement(select(func.count().label("found")).select_from(REGISTRATIONS))
_REMOVE = Statement(delete(REGISTRATIONS).where(_this))

_PUT_TOKEN = Statement(
    plain_insert(INITIAL_TOKENS).values({name: bindparam(name) for name in ("digest", "policy", "uses", "expires_at")})
)
_usable = (
    (INITIAL_TOKENS.c.digest == bindparam("of"))
    & (INITIAL_TOKENS.c.uses > 0)
    & (INITIAL_TOKENS.c.expires_at > bindparam("now"))
)
_SPEND = Statement(update(INITIAL_TOKENS).where(_usable).values(uses=INITIAL_TOKENS.c.uses - 1))
_POLICY = Statement(select(INITIAL_TOKENS.c.policy).where(_usable))
_SWEEP = Statement(delete(INITIAL_TOKENS).where(INITIAL_TOKENS.c.expires_at < bindparam("before")))


class SqlRegistrations:
    """Implements `RegistrationRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, row: RegistrationRow) -> None:
        """Keep it in place of an earlier one."""
        values: dict[str, Any] = msgspec.structs.asdict(row)
        values |= {"policy": msgspec.json.encode(row.policy), "settled": int(row.settled)}
        await self._cursor.run(_PUT, **values)

    async def get(self, client: ClientId) -> RegistrationRow | None:
        """The row, or None."""
        row = await self._cursor.one(_GET, of=client)
        if row is None:
            return None
        policy = msgspec.json.decode(row["policy"], type=RegistrationPolicy)
        return RegistrationRow(**{**dict(row), "policy": policy, "settled": bool(row["settled"])})

    async def stop(self, client: ClientId) -> None:
        """Let its token count no more."""
        await self._cursor.run(_STOP, of=client)

    async def unsettled(self, before: int, *, limit: int) -> tuple[ClientId, ...]:
        """Clients that nobody is known to have been asked for."""
        return tuple(ClientId(row["client"]) for row in await self._cursor.all(_UNSETTLED, before=before, most=limit))

    async def settle(self, client: ClientId) -> None:
        """It is in use."""
        await self._cursor.run(_SETTLE, of=client)

    async def count(self) -> int:
        """How many there are."""
        row = await self._cursor.one(_COUNT)
        return 0 if row is None else int(row["found"])

    async def remove(self, client: ClientId) -> None:
        """Forget it."""
        await self._cursor.run(_REMOVE, of=client)


class SqlInitialTokens:
    """Implements `InitialTokenRows`. Each use is one compare-and-set statement."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, digest: bytes, policy: RegistrationPolicy, *, uses: int, expires_at: int) -> None:
        """Keep a new one."""
        body = msgspec.json.encode(policy)
        await self._cursor.run(_PUT_TOKEN, digest=digest, policy=body, uses=uses, expires_at=expires_at)

    async def policy(self, digest: bytes, now: int) -> RegistrationPolicy | None:
        """What it lets a client register for."""
        row = await self._cursor.one(_POLICY, of=digest, now=now)
        return None if row is None else msgspec.json.decode(row["policy"], type=RegistrationPolicy)

    async def spend(self, digest: bytes, now: int) -> bool:
        """Take one use of it."""
        return await self._cursor.run(_SPEND, of=digest, now=now) == 1

    async def sweep(self, before: int) -> int:
        """Forget those that expired."""
        return await self._cursor.run(_SWEEP, before=before)
