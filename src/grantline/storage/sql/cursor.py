"""What every store works with: run a prepared statement, get rows. Each database brings its own."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from grantline.storage.statements import Statement


class Row(Protocol):
    """One row: its values by name or place, in the order of the statement's columns."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def keys(self) -> Any:
        """The columns' names, so that `dict(row)` works."""
        ...


class Cursor(Protocol):
    """One transaction's view of the database."""

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        """All rows."""
        ...

    async def run(self, statement: Statement, **values: Any) -> int:
        """How many rows were changed."""
        ...
