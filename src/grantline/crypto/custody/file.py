"""Keys in files that only their owner may read. Written once, atomically; a readable-by-others file is refused."""

import os
import secrets
from pathlib import Path

from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration


def write_private(path: Path, data: bytes) -> None:
    """Put `data` at `path` with mode 0600, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    taking = path.with_name(path.name + ".new")
    descriptor = os.open(taking, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    taking.rename(path)


def create_private(path: Path, data: bytes) -> None:
    """Put `data` at `path` unless somebody else just put something there: two that begin at once hold the same."""
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    write_private(made, data)
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()


def read_private(path: Path) -> bytes:
    """The bytes of a file that nobody but its owner can read."""
    if path.stat().st_mode & 0o077:
        raise InvalidConfiguration(f"{path} can be read by others; run: chmod 600 {path}")
    return path.read_bytes()


def load_or_create_signing_key(path: Path) -> SigningKey:
    """The ES256 key at `path`, made on first use."""
    if not path.exists():
        write_private(path, SigningKey.generate().to_pem())
    return SigningKey.from_pem(read_private(path))
