"""Purging and pruning in SQLite: what goes and how far it got share one transaction of the tree's file."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from grantline.ledger.retention.port import Progress, Purge
from grantline.model.ids import EventId
from grantline.storage.schema.ledger import ACCESSES, DETAILS, ENTRIES, LIVES, PURGE_PROGRESS, PURGES
from grantline.storage.sqlite.ledger_file import LedgerFile, Writing
from grantline.storage.statements import Statement

_PROGRESS = Statement(
    select(PURGE_PROGRESS.c.idx, PURGE_PROGRESS.c.rows).where(PURGE_PROGRESS.c.kind == bindparam("of"))
)
_progress = insert(PURGE_PROGRESS).values({name: bindparam(name) for name in ("kind", "idx", "rows")})
_NOTE = Statement(
    _progress.on_conflict_do_update(
        index_elements=["kind"], set_={name: _progress.excluded[name] for name in ("idx", "rows")}
    )
)
_ADD_PURGE = Statement(insert(PURGES).values({name: bindparam(name) for name in Purge._fields}))
_PURGES = Statement(select(*(PURGES.c[name] for name in Purge._fields)).order_by(PURGES.c.first, PURGES.c.kind))
_BEGIN_AGAIN = Statement(delete(PURGE_PROGRESS))
_OLDEST = Statement(select(func.min(ENTRIES.c.idx).label("idx")))
_DROP_ENTRIES = Statement(delete(ENTRIES).where(ENTRIES.c.idx >= bindparam("start"), ENTRIES.c.idx < bindparam("end")))
_DROP_THEIR_DETAILS = Statement(
    delete(DETAILS).where(DETAILS.c.idx >= bindparam("start"), DETAILS.c.idx < bindparam("end"))
)


_DROP_DETAIL = Statement(
    delete(DETAILS).where(DETAILS.c.idx == bindparam("idx"), DETAILS.c.key_id == bindparam("key_id"))
)
_DROP_PROJECTED = [Statement(delete(each).where(each.c.idx == bindparam("idx"))) for each in (ACCESSES, LIVES)]


class SqliteRetentionStore:
    """Implements `RetentionStore` over the tree's file and the projections'."""

    def __init__(self, tree: LedgerFile, projections: LedgerFile) -> None:
        self._tree, self._projections = tree, projections

    def progress(self, kind: str) -> Progress:
        """The noted place; 0 before the first purge."""
        row = self._tree.one(_PROGRESS, of=kind)
        return Progress(0, 0) if row is None else Progress(row["idx"], row["rows"])

    def drop_details(self, rows: Sequence[tuple[int, str]], kind: str, progress: Progress, purge: Purge | None) -> None:
        """One transaction."""

        def unit(writing: Writing) -> None:
            writing.rows(_DROP_DETAIL, rows)
            writing.run(_NOTE, kind=kind, idx=progress.idx, rows=progress.rows)
            writing.rows(_ADD_PURGE, [] if purge is None else [purge])

        self._tree.write(unit)

    def leave_no_copy(self) -> None:
        """`secure_delete` overwrote the rows; the logs are emptied."""
        self._tree.leave_no_copy()
        self._projections.leave_no_copy()

    def purges(self) -> tuple[Purge, ...]:
        """By first entry."""
        return tuple(Purge(EventId(row["event"]), *tuple(row)[1:]) for row in self._tree.all(_PURGES))

    def begin_again(self) -> None:
        """Forget every place."""
        self._tree.write(lambda writing: writing.run(_BEGIN_AGAIN))

    def drop_entries(self, below: int, limit: int) -> int:
        """In order of index."""
        row = self._tree.one(_OLDEST)
        start = below if row is None or row["idx"] is None else row["idx"]
        end = min(below, start + limit)
        if end <= start:
            return 0

        def unit(writing: Writing) -> None:
            for statement in (_DROP_ENTRIES, _DROP_THEIR_DETAILS):
                writing.run(statement, start=start, end=end)

        self._tree.write(unit)
        return end - start

    def drop_projected(self, indexes: Sequence[int]) -> None:
        """One transaction."""

        def unit(writing: Writing) -> None:
            for statement in _DROP_PROJECTED:
                writing.rows(statement, [(index,) for index in indexes])

        self._projections.write(unit)
