"""SQL text made once from SQLAlchemy Core, run by thin drivers: one statement, both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

__all__ = ["SQLITE", "Compiled", "Statement", "insert"]

SQLITE = sqlite.dialect(paramstyle="qmark")
"""`insert` is this dialect's: the plain one has no `on_conflict…`, and both databases write that in the same words."""


class Compiled:
    """A statement's text for one database. `bind` puts named values into the order that its driver wants."""

    __slots__ = ("_constants", "_order", "sql")

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self.sql = str(compiled)
        self._order: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._constants: Mapping[str, Any] = dict(compiled.params)

    def bind(self, values: dict[str, Any]) -> list[Any]:
        """Positional values; a name that the statement lacks is an error, a missing one takes its constant."""
        unknown = values.keys() - self._constants.keys()
        if unknown:
            raise KeyError(f"statement has no parameter {sorted(unknown)}: {self.sql}")
        return [values[name] if name in values else self._constants[name] for name in self._order]


class Statement(Compiled):
    """A statement compiled for SQLite where it stands, and for another database when that is first asked for it."""

    __slots__ = ("_clause", "_elsewhere")

    def __init__(self, clause: ClauseElement) -> None:
        super().__init__(clause, SQLITE)
        self._clause = clause
        self._elsewhere: Compiled | None = None

    def compiled(self, dialect: Dialect) -> Compiled:
        """The text for the one other database that this process works with."""
        if self._elsewhere is None:
            self._elsewhere = Compiled(self._clause, dialect)
        return self._elsewhere
