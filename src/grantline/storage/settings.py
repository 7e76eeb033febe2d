"""Where the state is kept."""

from dataclasses import dataclass
from pathlib import Path

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """The database of the authority's state. The ledger keeps files of its own either way."""

    url: str | None = setting(
        None, help="postgresql://USER@HOST/NAME, without a password. Absent: SQLite in the data directory."
    )
    password_file: Path | None = setting(None, help="File that holds the password for `url`, and nothing else.")
