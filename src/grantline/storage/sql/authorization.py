"""Tickets, families and used-up identifiers. Every redemption is one compare-and-set statement."""

from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, delete, func, literal_column, select, true, update
from sqlalchemy import insert as plain_insert

from grantline.authorization.store import Burnt, FamilyRow, TicketKind, TicketRow
from grantline.model.ids import ConsentId, FamilyId
from grantline.storage.schema.authorization import BURNED, FAMILIES, TICKETS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement, insert

_TICKET_COLUMNS = ("kind", "digest", "body", "expires_at", "redeemed_at", "bound", "notes", "arrived", "outcome")
_FAMILY_COLUMNS = (
    "family", "consent", "client", "secret", "scope", "resources", "jkt", "x5t",
    "created_at", "expires_at", "generation", "rotated_at", "ended_at", "sign_in",
)  # fmt: skip
_this_ticket = (TICKETS.c.digest == bindparam("of")) & (TICKETS.c.kind == bindparam("as_kind"))
_this_family = FAMILIES.c.family == bindparam("of")

_PUT_TICKET = Statement(plain_insert(TICKETS).values({name: bindparam(name) for name in _TICKET_COLUMNS}))
_GET_TICKET = Statement(select(*(TICKETS.c[name] for name in _TICKET_COLUMNS)).where(_this_ticket))
_REDEEM = Statement(
    update(TICKETS)
    .where(_this_ticket, TICKETS.c.redeemed_at.is_(None), TICKETS.c.expires_at > bindparam("at"))
    .values(redeemed_at=bindparam("at"), outcome=bindparam("how"))
)
_BIND = Statement(
    update(TICKETS)
    .where(_this_ticket, TICKETS.c.bound.is_(None) | (TICKETS.c.bound == bindparam("to")))
    .values(bound=bindparam("to"))
)
_NOTE = Statement(update(TICKETS).where(_this_ticket, TICKETS.c.notes.is_(None)).values(notes=bindparam("text")))
_ARRIVE = Statement(
    update(TICKETS).where(_this_ticket, TICKETS.c.arrived.is_(None)).values(arrived=bindparam("with_session"))
)
_SWEEP_TICKETS = Statement(delete(TICKETS).where(TICKETS.c.expires_at < bindparam("before")))

_PUT_FAMILY = Statement(plain_insert(FAMILIES).values({name: bindparam(name) for name in _FAMILY_COLUMNS}))
_GET_FAMILY = Statement(select(*(FAMILIES.c[name] for name in _FAMILY_COLUMNS)).where(_this_family))
_LIVING = Statement(
    select(FAMILIES.c.family).where(FAMILIES.c.consent == bindparam("on"), FAMILIES.c.ended_at.is_(None))
)
_ADVANCE = Statement(
    update(FAMILIES)
    .where(_this_family, FAMILIES.c.generation == bindparam("past"), FAMILIES.c.ended_at.is_(None))
    .values(generation=FAMILIES.c.generation + 1, rotated_at=bindparam("at"))
)
_END = Statement(update(FAMILIES).where(_this_family, FAMILIES.c.ended_at.is_(None)).values(ended_at=bindparam("at")))

# Rows are added in order and go in nearly the same order, so the span of ids bounds their number from above: two
# index lookups where a count would read them all. Where it is wrong it is too high, which refuses and never forgets.
# An id follows the highest one that is kept: a generator of the database's own would also count what was there
# already and what was undone, and whoever repeats one identifier would crowd out everybody.
_highest = select(func.coalesce(func.max(BURNED.c.id), 0)).scalar_subquery()
_lowest = select(func.coalesce(func.min(BURNED.c.id), 1)).scalar_subquery()
_columns = ("id", "purpose", "digest", "until")
_given = [bindparam(name, type_=BURNED.c[name].type).label(name) for name in _columns[1:]]
_row = select((_highest + 1).label("id"), *_given)


def _burning(row: Select[Any]) -> Statement:
    return Statement(insert(BURNED).from_select(_columns, row).on_conflict_do_nothing())


_BURN = _burning(_row.where(_highest - _lowest + 1 < bindparam("capacity")))
_KEEP = _burning(_row.where(true()))
_HAS = Statement(
    select(literal_column("1")).where(BURNED.c.purpose == bindparam("purpose"), BURNED.c.digest == bindparam("digest"))
)
_SWEEP_BURNED = Statement(delete(BURNED).where(BURNED.c.until < bindparam("before")))


class SqlTickets:
    """Implements `TicketRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, row: TicketRow) -> None:
        """Keep a new ticket."""
        await self._cursor.run(_PUT_TICKET, **msgspec.structs.asdict(row))

    async def get(self, kind: TicketKind, digest: bytes) -> TicketRow | None:
        """The ticket, redeemed or expired ones included."""
        row = await self._cursor.one(_GET_TICKET, of=digest, as_kind=kind)
        return None if row is None else TicketRow(**{**dict(row), "kind": TicketKind(row["kind"])})

    async def redeem(self, kind: TicketKind, digest: bytes, at: int, outcome: str | None = None) -> bool:
        """Use it up."""
        return await self._cursor.run(_REDEEM, of=digest, as_kind=kind, at=at, how=outcome) == 1

    async def bind(self, kind: TicketKind, digest: bytes, person: str) -> bool:
        """Tie it to the first person."""
        return await self._cursor.run(_BIND, of=digest, as_kind=kind, to=person) == 1

    async def note(self, kind: TicketKind, digest: bytes, notes: bytes) -> None:
        """Keep what was learned, once."""
        await self._cursor.run(_NOTE, of=digest, as_kind=kind, text=notes)

    async def arrive(self, kind: TicketKind, digest: bytes, session: str) -> None:
        """Keep with which session the browser came first."""
        await self._cursor.run(_ARRIVE, of=digest, as_kind=kind, with_session=session)

    async def sweep(self, before: int) -> int:
        """Forget what expired."""
        return await self._cursor.run(_SWEEP_TICKETS, before=before)


class SqlFamilies:
    """Implements `FamilyRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, row: FamilyRow) -> None:
        """Keep a new family."""
        values: dict[str, Any] = msgspec.structs.asdict(row)
        await self._cursor.run(_PUT_FAMILY, **{**values, "resources": " ".join(row.resources)})

    async def get(self, family: FamilyId) -> FamilyRow | None:
        """The family, ended ones included."""
        row = await self._cursor.one(_GET_FAMILY, of=family)
        return None if row is None else FamilyRow(**{**dict(row), "resources": tuple(row["resources"].split())})

    async def advance(self, family: FamilyId, generation: int, at: int) -> bool:
        """Move on from this generation."""
        return await self._cursor.run(_ADVANCE, of=family, past=generation, at=at) == 1

    async def living(self, consent: ConsentId) -> tuple[FamilyId, ...]:
        """Families of a consent that were not ended."""
        return tuple(FamilyId(row["family"]) for row in await self._cursor.all(_LIVING, on=consent))

    async def end(self, family: FamilyId, at: int) -> bool:
        """End it."""
        return await self._cursor.run(_END, of=family, at=at) == 1


class SqlBurned:
    """Implements `BurnedRows`. Shared by every process over the file, and still there after a restart."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def burn(self, purpose: str, digest: bytes, until: int, *, now: int, capacity: int) -> Burnt:
        """Use it up; when there is no room, only what no longer counts is forgotten."""
        for attempt in ("as it is", "after sweeping"):
            if await self._cursor.run(_BURN, purpose=purpose, digest=digest, until=until, capacity=capacity) == 1:
                return Burnt.FRESH
            if await self.has(purpose, digest):
                return Burnt.SPENT
            if attempt == "as it is":
                await self.sweep(now)
        return Burnt.FULL

    async def keep(self, purpose: str, digest: bytes, until: int) -> bool:
        """Keep it whatever the bound."""
        return await self._cursor.run(_KEEP, purpose=purpose, digest=digest, until=until) == 1

    async def has(self, purpose: str, digest: bytes) -> bool:
        """True if it is kept."""
        return await self._cursor.one(_HAS, purpose=purpose, digest=digest) is not None

    async def sweep(self, before: int) -> int:
        """Forget what no longer counts."""
        return await self._cursor.run(_SWEEP_BURNED, before=before)
