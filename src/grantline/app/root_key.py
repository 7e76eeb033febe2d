"""Opens root keys as the settings say, and files with secrets that they name."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from grantline.app.places import Places
from grantline.crypto.custody.file import read_private
from grantline.crypto.custody.root import RootKey, open_root
from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.authorization.keys import KeySettings


def open_root_key(settings: "KeySettings", places: Places) -> RootKey:
    """What seals every other secret of the authority. Raises `InvalidConfiguration`."""
    return open_root(places.root_key, passphrase(settings))


def passphrase(settings: "KeySettings") -> bytes | None:
    """What wraps root keys, if the operator named it. Raises `InvalidConfiguration`."""
    return None if settings.passphrase_file is None else secret_in(settings.passphrase_file, "keys.passphrase_file")


def secret_in(path: Path, setting: str) -> bytes:
    """The secret in a file that only its owner reads, or that systemd keeps. `setting`: names it in errors.

    Raises `InvalidConfiguration`.
    """
    try:
        secret = (path.read_bytes() if _is_credential(path) else read_private(path)).strip(b"\r\n")
    except OSError as error:
        raise InvalidConfiguration(f"$.{setting}: {path} cannot be read: {error.strerror}") from error
    if not secret:
        raise InvalidConfiguration(f"$.{setting}: {path} is empty")
    return secret


def _is_credential(path: Path) -> bool:
    """Whether systemd keeps the file for this service alone: an access list, which looks as if a group could read."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return directory is not None and path.resolve().is_relative_to(Path(directory).resolve())
