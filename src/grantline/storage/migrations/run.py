"""Runs Alembic over one SQLite file, one process at a time; loads it only when there is something to do."""

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from grantline.model.errors import InvalidConfiguration
from grantline.storage.sqlite.connection import connect

if TYPE_CHECKING:
    from alembic.config import Config

Line = Literal["state"]
HEADS: dict[Line, str] = {"state": "0012"}
_HERE = Path(__file__).parent


def migrate(path: Path, line: Line) -> None:
    """Create or upgrade the file at `path`. A file of a newer release is refused, not guessed at."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if revision(path) != HEADS[line]:
            _upgrade(path, line)


def revision(path: Path) -> str | None:
    """The revision that the file is at; None for an empty one."""
    with closing(connect(path)) as connection:
        try:
            row = connection.execute("select version_num from alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return None if row is None else str(row[0])


def _upgrade(path: Path, line: Line) -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(configuration(path, line), "head")
    except CommandError as error:
        raise InvalidConfiguration(
            f"{path} was written by a newer release; use that release or restore a copy.", detail=str(error)
        ) from error


def configuration(path: Path, line: Line) -> "Config":
    """Alembic's configuration for one line of migrations, without a file of its own."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE / line).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}".replace("%", "%%"))
    return config
