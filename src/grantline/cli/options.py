"""Options that many commands share, and the way to a running instance's state."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.storage.sqlite.database import Database
    from grantline.storage.sqlite.transaction import SqliteTransaction

T = TypeVar("T")

DataOption = Annotated[Path, typer.Option("--data", help="The instance's data directory.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings; see docs/settings.md.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DEFAULT_DATA = Path("grantline-data")
STATE = Path("authority", "state.db")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def open_state(data: Path, *, create: bool = False) -> AsyncIterator["Database[SqliteTransaction]"]:
    """The authority's state. Safe while it is being served: SQLite's own locks order the writers of all processes.

    Raises `InvalidConfiguration` when there is none and `create` does not ask for one.
    """
    from grantline.storage.migrations.run import migrate
    from grantline.storage.sqlite.database import Database
    from grantline.storage.sqlite.transaction import SqliteTransaction

    path = data / STATE
    if not path.exists() and not create:
        raise InvalidConfiguration(f"{data} holds no Grantline instance; name one with --data.")
    await asyncio.to_thread(migrate, path, "state")
    database = Database(path, SqliteTransaction)
    try:
        yield database
    finally:
        await asyncio.to_thread(database.close)
