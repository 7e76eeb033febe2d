"""A file is cleared of what was about people whose keys were destroyed, and knows for itself that it was.

Each file notes it on its own, so one that is put back from a copy is found out and cleared again.
"""

from collections.abc import Sequence

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from grantline.storage.sqlite.ledger_file import LedgerFile, Writing
from grantline.storage.statements import Statement


class Clearing:
    """Of one file. `tables`: those with columns `idx` and `key_id`; `noted`: where it keeps what it was cleared of."""

    def __init__(self, file: LedgerFile, noted: Table, *tables: Table) -> None:
        self._file = file
        self._noted = Statement(select(noted.c.key_id).where(noted.c.key_id == bindparam("of")))
        self._note = Statement(insert(noted).values(key_id=bindparam("of")).on_conflict_do_nothing())
        self._drop = [
            Statement(
                delete(each).where(
                    each.c.idx >= bindparam("start"), each.c.idx < bindparam("end"), each.c.key_id == bindparam("of")
                )
            )
            for each in tables
        ]

    def uncleared(self, key_ids: Sequence[str]) -> list[str]:
        """Those that nothing is noted of."""
        return [key_id for key_id in key_ids if self._file.one(self._noted, of=key_id) is None]

    def clear(self, key_ids: Sequence[str], start: int, end: int) -> None:
        """One transaction."""

        def unit(writing: Writing) -> None:
            for statement in self._drop:
                for key_id in key_ids:
                    writing.run(statement, start=start, end=end, of=key_id)

        self._file.write(unit)

    def cleared(self, key_ids: Sequence[str]) -> None:
        """Noted, and the log emptied."""

        def unit(writing: Writing) -> None:
            for key_id in key_ids:
                writing.run(self._note, of=key_id)

        self._file.write(unit)
        self._file.leave_no_copy()
