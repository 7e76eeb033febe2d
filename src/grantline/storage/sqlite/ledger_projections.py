"""Projections in SQLite. Commits are not synced: what is lost is built again from the tree."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Row

import orjson
from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from grantline.ledger.inquiry.oddities import Judging
from grantline.ledger.reading import Access, DayUse, EventRow, FieldUse, Usage
from grantline.ledger.store import AccessRow, LifeRow, Projected
from grantline.model.ids import ClientId, ConsentId, EventId, PurposeId
from grantline.storage.schema.ledger import ACCESSES, APPLIED, LIVES, PROJECTIONS, PROJECTIONS_CLEARED
from grantline.storage.sqlite.ledger_clearing import Clearing
from grantline.storage.sqlite.ledger_file import LedgerFile, Writing
from grantline.storage.sqlite.ledger_inquiry import SqliteInvestigations, mark_late, standing
from grantline.storage.statements import Statement

_APPLIED = Statement(select(APPLIED.c.size).where(APPLIED.c.id == 1))
_applied = insert(APPLIED).values(id=1, size=bindparam("size"))
_SET_APPLIED = Statement(
    _applied.on_conflict_do_update(index_elements=["id"], set_={"size": _applied.excluded["size"]})
)
_ADD_ACCESS = Statement(insert(ACCESSES).values({name: bindparam(name) for name in AccessRow._fields}))
_ADD_LIFE = Statement(insert(LIVES).values({name: bindparam(name) for name in LifeRow._fields}))
_SET_STATUS = Statement(
    update(ACCESSES).where(ACCESSES.c.evaluation == bindparam("of")).values(status=bindparam("new_status"))
)
_SET_STOPPED = Statement(
    update(ACCESSES)
    .where(ACCESSES.c.evaluation == bindparam("of"), ACCESSES.c.decision == "permit")
    .values(decision="deny", reason=bindparam("stopped"))
)
_OURS = ACCESSES.c.ref == bindparam("ref")
_PERMITTED = ACCESSES.c.decision == "permit"
_COUNTS = Statement(
    select(
        func.count().filter(_PERMITTED).label("allowed"),
        func.count().filter(~_PERMITTED).label("refused"),
        func.min(ACCESSES.c.t).filter(_PERMITTED).label("first"),
        func.max(ACCESSES.c.t).filter(_PERMITTED).label("last"),
    ).where(_OURS)
)
# Calls differ little in their fields: a handful of sets is taken apart here, not every call by the database.
_FIELD_SETS = Statement(
    select(ACCESSES.c.datatype, ACCESSES.c.fields, func.count().label("calls"), func.max(ACCESSES.c.t).label("last"))
    .where(and_(_OURS, _PERMITTED, ACCESSES.c.t >= bindparam("since_us")))
    .group_by(ACCESSES.c.datatype, ACCESSES.c.fields)
)
_day = func.date(ACCESSES.c.t / 1_000_000 + bindparam("offset_s"), "unixepoch")
_DAYS = Statement(
    select(
        _day.label("day"),
        func.count().filter(_PERMITTED).label("allowed"),
        func.count().filter(~_PERMITTED).label("refused"),
    )
    .where(_OURS, ACCESSES.c.t >= bindparam("since_us"), ACCESSES.c.t < bindparam("until_us"))
    .group_by("day")
    .order_by("day")
)
_PAGE = Statement(
    select(ACCESSES)
    .where(_OURS, ACCESSES.c.idx < bindparam("before"))
    .order_by(ACCESSES.c.idx.desc())
    .limit(bindparam("count"))
)
_LAST_PERMITTED = Statement(
    select(ACCESSES).where(_OURS, _PERMITTED).order_by(ACCESSES.c.t.desc(), ACCESSES.c.idx.desc()).limit(1)
)
_FIRST_REFUSED = Statement(
    select(ACCESSES)
    .where(_OURS, ~_PERMITTED, ACCESSES.c.t > bindparam("after"))
    .order_by(ACCESSES.c.t, ACCESSES.c.idx)
    .limit(1)
)
_LIFE = Statement(select(LIVES).where(LIVES.c.ref == bindparam("ref")).order_by(LIVES.c.idx))
_EVENTS_OF = Statement(
    select(LIVES).where(LIVES.c.key_id == bindparam("key_id")).order_by(LIVES.c.idx.desc()).limit(bindparam("count"))
)
_NO_END = (1 << 63) - 1


class SqliteProjectionStore:
    """Implements `ProjectionStore`."""

    def __init__(self, path: Path) -> None:
        self.file = LedgerFile(path, PROJECTIONS, synced=False)
        self.investigations = SqliteInvestigations(self.file)
        self._judging = Judging(partial(standing, self.file))
        self._clearing = Clearing(self.file, PROJECTIONS_CLEARED, ACCESSES, LIVES)

    def applied(self) -> int:
        """The noted size."""
        row = self.file.one(_APPLIED)
        return 0 if row is None else int(row["size"])

    def apply(self, size: int, rows: Projected) -> None:
        """Decisions go in before outcomes, so that a pair within one run is joined.

        A permit whose call was stopped at the last check is kept as the refusal that it became.
        """

        accesses, ended = self._judging.mark(rows)

        def unit(writing: Writing) -> None:
            writing.rows(_ADD_ACCESS, accesses)
            writing.rows(_ADD_LIFE, rows.lives)
            for each in ended:
                mark_late(writing, each.ref, each.t)
            for outcome in rows.outcomes:
                writing.run(_SET_STATUS, of=outcome.evaluation, new_status=outcome.status)
                if outcome.stopped is not None:
                    writing.run(_SET_STOPPED, of=outcome.evaluation, stopped=outcome.stopped)
            writing.run(_SET_APPLIED, size=size)

        try:
            self.file.write(unit)
        except Exception:
            self._judging.forget()
            raise

    def usage(self, ref: str, consent: ConsentId) -> Usage | None:
        """Counted anew from the rows each time."""
        row = self.file.one(_COUNTS, ref=ref)
        if row is None or not row["allowed"] + row["refused"]:
            return None
        fields: dict[str, tuple[int, int]] = {}
        for use in self.fields(ref, 0):
            calls, last = fields.get(use.field, (0, 0))
            fields[use.field] = calls + use.calls, max(last, use.last)
        return Usage(
            consent=consent, allowed=row["allowed"], refused=row["refused"],
            first_used=row["first"], last_used=row["last"], fields=fields,
        )  # fmt: skip

    def accesses(self, ref: str, consent: ConsentId, limit: int, before: int | None) -> tuple[Access, ...]:
        """One page."""
        rows = self.file.all(_PAGE, ref=ref, before=_NO_END if before is None else before, count=limit)
        return tuple(_access(row, consent) for row in rows)

    def days(self, ref: str, since_us: int, offset_s: int, until_us: int | None) -> tuple[DayUse, ...]:
        """Grouped by the database."""
        until = _NO_END if until_us is None else until_us
        rows = self.file.all(_DAYS, ref=ref, since_us=since_us, offset_s=offset_s, until_us=until)
        return tuple(DayUse(row["day"], row["allowed"], row["refused"]) for row in rows)

    def fields(self, ref: str, since_us: int) -> tuple[FieldUse, ...]:
        """Sets of fields grouped by the database, then taken apart."""
        counted: dict[tuple[str, str], tuple[int, int]] = {}
        for row in self.file.all(_FIELD_SETS, ref=ref, since_us=since_us):
            for name in orjson.loads(row["fields"]):
                calls, last = counted.get((row["datatype"], name), (0, 0))
                counted[row["datatype"], name] = calls + row["calls"], max(last, row["last"])
        return tuple(FieldUse(datatype, name, *use) for (datatype, name), use in sorted(counted.items()))

    def around(self, ref: str, consent: ConsentId, t: int) -> tuple[Access | None, Access | None]:
        """By the gateways' own times."""
        allowed, refused = self.file.one(_LAST_PERMITTED, ref=ref), self.file.one(_FIRST_REFUSED, ref=ref, after=t)
        return (
            None if allowed is None else _access(allowed, consent),
            None if refused is None else _access(refused, consent),
        )

    def life(self, ref: str) -> tuple[EventRow, ...]:
        """In order of index."""
        return tuple(_event(row) for row in self.file.all(_LIFE, ref=ref))

    def events_of(self, key_ids: Sequence[str], limit: int) -> tuple[EventRow, ...]:
        """Merged over the keys."""
        found = [_event(row) for key_id in key_ids for row in self.file.all(_EVENTS_OF, key_id=key_id, count=limit)]
        return tuple(sorted(found, key=lambda event: event.index, reverse=True)[:limit])

    def uncleared(self, key_ids: Sequence[str]) -> list[str]:
        """By this file's own notes."""
        return self._clearing.uncleared(key_ids)

    def clear(self, key_ids: Sequence[str], start: int, end: int) -> None:
        """In one transaction."""
        self._judging.forget()
        self._clearing.clear(key_ids, start, end)

    def cleared(self, key_ids: Sequence[str]) -> None:
        """Noted in this file."""
        self._clearing.cleared(key_ids)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _access(row: Row, consent: ConsentId) -> Access:
    return Access(
        index=row["idx"], event_id=EventId(row["event_id"]), t=row["t"], consent=consent,
        client=ClientId(row["client"]), gateway=row["gateway"], api=row["api"], endpoint=row["endpoint"],
        action=row["action"], datatype=row["datatype"], decision=row["decision"], reason=row["reason"],
        purpose=None if row["purpose"] is None else PurposeId(row["purpose"]),
        fields=tuple(orjson.loads(row["fields"])), status=row["status"],
    )  # fmt: skip


def _event(row: Row) -> EventRow:
    return EventRow(
        index=row["idx"], event_id=EventId(row["event_id"]), type=row["type"], t=row["t"],
        reason=row["reason"], version=row["version"],
    )  # fmt: skip
