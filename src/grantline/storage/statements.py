"""SQL text made once from SQLAlchemy Core, run by thin drivers: one statement, both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

SQLITE = sqlite.dialect(paramstyle="qmark")


class Statement:
    """A compiled statement. `bind` puts named values into the order that the driver wants."""

    __slots__ = ("_constants", "_order", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = clause.compile(dialect=SQLITE)
        self.sql = str(compiled)
        self._order: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._constants: dict[str, Any] = dict(compiled.params)

    def bind(self, values: dict[str, Any]) -> list[Any]:
        """Positional values; a name that the statement lacks is an error, a missing one takes its constant."""
        unknown = values.keys() - self._constants.keys()
        if unknown:
            raise KeyError(f"statement has no parameter {sorted(unknown)}: {self.sql}")
        return [values[name] if name in values else self._constants[name] for name in self._order]
