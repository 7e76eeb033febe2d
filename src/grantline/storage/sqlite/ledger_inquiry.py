"""An investigator's questions over the projections' file, each by an index of its own."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, Table, bindparam, cast, func, literal_column, null, or_, select, update
from sqlalchemy.sql import Select

from grantline.ledger.inquiry.oddities import Standing
from grantline.ledger.inquiry.port import Crowd, Found, Odd, Window
from grantline.ledger.projection import ENDS
from grantline.model.ids import ClientId
from grantline.storage.schema.ledger import ACCESSES, LIVES
from grantline.storage.sqlite.ledger_file import LedgerFile, Writing
from grantline.storage.statements import Statement

HOUR_US = 3_600_000_000
_RECENT = 50
_CALL = (ACCESSES.c.idx, ACCESSES.c.decision, ACCESSES.c.reason, ACCESSES.c.status)
_LIFE = (LIVES.c.idx, null().label("decision"), LIVES.c.reason, cast(null(), Integer).label("status"))


def _within(table: Table, *wheres: ColumnElement[bool]) -> Select[Any]:
    columns = _CALL if table is ACCESSES else _LIFE
    return select(*columns).where(*wheres, table.c.t >= bindparam("since"), table.c.t < bindparam("until"))


def _newest(query: Select[Any], by: ColumnElement[Any] | None = None) -> Statement:
    order = query.selected_columns.idx if by is None else by
    return Statement(query.order_by(order.desc()).limit(bindparam("count")))


def _asking(name: str) -> list[Statement]:
    """Calls and other events by one column that both have."""
    return [_newest(_within(table, table.c[name] == bindparam("of"))) for table in (ACCESSES, LIVES)]


_OF_KEY = _newest(_within(ACCESSES, ACCESSES.c.key_id == bindparam("of")))
_OF_TRACE, _OF_TOKEN = _asking("trace"), _asking("jtih")
# One client may have done most of what there is: in the order of its index nothing has to be sorted.
_OF_CLIENT = [_newest(_within(each, each.c.client == bindparam("of")), by=each.c.t) for each in (ACCESSES, LIVES)]
_OF_CONSENT = _newest(_within(LIVES, LIVES.c.ref == bindparam("of")))
_UNDER = _newest(_within(ACCESSES, ACCESSES.c.ref == bindparam("of")))
_OF_TYPE = _newest(_within(LIVES, LIVES.c.type == bindparam("of")))
_PERMITTED = ACCESSES.c.decision == "permit"
# Said as the index says it: with a parameter in its place the database cannot know that the index will do.
_IS_ODD = ACCESSES.c.odd > literal_column("0")
# Marks are few, so they are read by their own index; `t + 0` keeps the database from reading a stretch of time instead.
_when = ACCESSES.c.t + literal_column("0")
_ODD = _newest(
    select(*_CALL).where(
        _PERMITTED,
        _IS_ODD,
        ACCESSES.c.odd.op("&")(bindparam("of", type_=Integer)) > 0,
        _when >= bindparam("since"),
        _when < bindparam("until"),
    )
)
_hour = (ACCESSES.c.t // HOUR_US).label("hour")
_people = func.count(ACCESSES.c.key_id.distinct()).label("people")
_CROWDS = Statement(
    select(ACCESSES.c.client, _hour, _people)
    .where(ACCESSES.c.t >= bindparam("since"), ACCESSES.c.t < bindparam("until"))
    .group_by(ACCESSES.c.client, "hour")
    .having(_people > bindparam("more_than"))
    .order_by(_people.desc())
    .limit(bindparam("count"))
)
_ENDED = Statement(
    select(func.min(LIVES.c.t).label("t")).where(
        LIVES.c.ref == bindparam("of"), or_(*(LIVES.c.type == each for each in sorted(ENDS)))
    )
)
_PURPOSES = Statement(select(LIVES.c.purposes).where(LIVES.c.ref == bindparam("of"), LIVES.c.purposes != "[]"))
_LATEST = Statement(
    select(ACCESSES.c.endpoint, ACCESSES.c.decision, ACCESSES.c.t)
    .where(ACCESSES.c.ref == bindparam("of"))
    .order_by(ACCESSES.c.idx.desc())
    .limit(_RECENT)
)
_MARK_LATE = Statement(
    update(ACCESSES)
    .where(ACCESSES.c.ref == bindparam("of"), _PERMITTED, ACCESSES.c.t > bindparam("ended"))
    .values(odd=ACCESSES.c.odd.op("|")(int(Odd.AFTER_END)))
)


class SqliteInvestigations:
    """Implements `Investigations`, over the file of the projections."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def of_people(self, key_ids: Sequence[str], window: Window) -> list[Found]:
        """Merged over the keys."""
        return self._merged([(_OF_KEY, key_id) for key_id in key_ids], window)

    def of_client(self, client: ClientId, window: Window) -> list[Found]:
        """Calls and everything else."""
        return self._merged([(statement, client) for statement in _OF_CLIENT], window)

    def of_trace(self, trace: str, window: Window) -> list[Found]:
        """Calls and everything else."""
        return self._merged([(statement, trace) for statement in _OF_TRACE], window)

    def of_token(self, jti_hash: str, window: Window) -> list[Found]:
        """Calls and everything else."""
        return self._merged([(statement, jti_hash) for statement in _OF_TOKEN], window)

    def of_consent(self, ref: str, window: Window) -> list[Found]:
        """By the consent's keyed name."""
        return self._merged([(_OF_CONSENT, ref)], window)

    def calls_under(self, ref: str, window: Window) -> list[Found]:
        """By the consent's keyed name."""
        return self._merged([(_UNDER, ref)], window)

    def of_type(self, kind: str, window: Window) -> list[Found]:
        """By type."""
        return self._merged([(_OF_TYPE, kind)], window)

    def odd(self, mark: Odd, window: Window) -> list[Found]:
        """By the marks of the projection."""
        return self._merged([(_ODD, int(mark))], window)

    def crowds(self, more_than: int, window: Window) -> list[Crowd]:
        """Counted over the window."""
        rows = self._file.all(_CROWDS, since=window.since, until=window.until, count=window.limit, more_than=more_than)
        return [Crowd(ClientId(row["client"]), row["hour"] * HOUR_US, row["people"]) for row in rows]

    def _merged(self, asked: Sequence[tuple[Statement, Any]], window: Window) -> list[Found]:
        found = [
            Found(*row)
            for statement, of in asked
            for row in self._file.all(statement, of=of, since=window.since, until=window.until, count=window.limit)
        ]
        return sorted(found, reverse=True, key=lambda each: each.idx)[: window.limit]


def standing(file: LedgerFile, ref: str) -> Standing:
    """How a consent stands, from what is projected."""
    ended = file.one(_ENDED, of=ref)
    purposes = {name for row in file.all(_PURPOSES, of=ref) for name in orjson.loads(row["purposes"])}
    refused: dict[str, int] = {}
    for row in reversed(file.all(_LATEST, of=ref)):
        refused.pop(row["endpoint"], None)
        if row["decision"] != "permit":
            refused[row["endpoint"]] = row["t"]
    return Standing(ended=None if ended is None else ended["t"], purposes=purposes, refused=refused)


def mark_late(writing: Writing, ref: str, ended: int) -> None:
    """Calls that are projected already and were let through after this end."""
    writing.run(_MARK_LATE, of=ref, ended=ended)
