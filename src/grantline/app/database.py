"""Which database holds the state of an instance: as the settings say, or as they said when it was last served.

Commands name the data directory only. So that none of them begins a second state beside the one in PostgreSQL, the
address is remembered there, without its password.
"""

from pathlib import Path

import msgspec

from grantline.app.places import Places
from grantline.crypto.custody.file import write_private
from grantline.model.errors import InvalidConfiguration
from grantline.storage.settings import StorageSettings

NAME = "database.json"


class _Remembered(msgspec.Struct, frozen=True):
    url: str
    password_file: str | None = None


def choose(data: Path, given: StorageSettings | None) -> StorageSettings:
    """The database to use, remembered from now on. `given` None: the caller has read no settings.

    Raises `InvalidConfiguration` for an instance whose state is in SQLite and who is told to use another database.
    """
    kept = _recall(data)
    wanted = given if given is not None and given.url is not None else kept or given or _from_environment()
    if wanted.url is None or wanted == kept:
        return wanted
    if Places(data).state.exists():
        raise InvalidConfiguration(
            f"$.storage.url: {data} keeps its state in SQLite already, and it does not move by a setting."
        )
    _remember(data, wanted)
    return wanted


def _from_environment() -> StorageSettings:
    from grantline.settings import load

    return load(None).storage


def _recall(data: Path) -> StorageSettings | None:
    try:
        kept = msgspec.json.decode(_path(data).read_bytes(), type=_Remembered)
    except FileNotFoundError:
        return None
    return StorageSettings(kept.url, Path(kept.password_file) if kept.password_file else None)


def _remember(data: Path, wanted: StorageSettings) -> None:
    assert wanted.url is not None
    path = _path(data)
    for folder in (data, path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = str(wanted.password_file.resolve()) if wanted.password_file else None
    write_private(path, msgspec.json.encode(_Remembered(wanted.url, secret)))


def _path(data: Path) -> Path:
    return Places(data).state.with_name(NAME)
