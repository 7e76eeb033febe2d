"""The key that people's keys are wrapped under, and how it changes: what an old copy of theirs holds ends with it.

While it changes there are two files. New keys are wrapped under the newer at once; the older is destroyed when nothing
is under it any more (AUDIT §5.5).
"""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from grantline.crypto.custody.file import read_private, write_private
from grantline.ledger.files import sync_directory
from grantline.model.errors import AuditUnavailable
from grantline.model.ids import Randomness

SIZE = 32
_NONCE = 12


class RootKeys:
    """One key, or two while one takes the other's place: the newest wraps, each unwraps."""

    def __init__(self, *newest_first: bytes) -> None:
        self._keys = [AESGCM(key) for key in newest_first]

    def wrap(self, secret: bytes, key_id: str, nonce: bytes) -> bytes:
        """`nonce`: 12 random bytes, kept in front."""
        return nonce + self._keys[0].encrypt(nonce, secret, key_id.encode())

    def unwrap(self, wrapped: bytes, key_id: str) -> bytes:
        """Raises `AuditUnavailable` for what is under none of them."""
        for key in tuple(self._keys):
            with suppress(InvalidTag):
                return key.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], key_id.encode())
        raise AuditUnavailable(
            "A person's key is wrapped under a root key that is not here.",
            detail=f"{key_id}: root.key and keys.db have to be of one time",
        )

    def take(self, newer: bytes) -> None:
        """From now on this one wraps."""
        self._keys.insert(0, AESGCM(newer))

    def drop_older(self) -> None:
        """Nothing is under any but the newest."""
        del self._keys[1:]


def open_root_keys(path: Path, randomness: Randomness) -> RootKeys:
    """Those in the file and beside it, if a change was begun; the first is made when there is none."""
    if not path.exists():
        write_private(path, randomness(SIZE))
    coming = next_of(path)
    return RootKeys(*([read_private(coming)] if coming.exists() else []), read_private(path))


def next_of(path: Path) -> Path:
    """Where the newer one is while the older still counts."""
    return path.with_name(path.name + ".next")


def destroy_older(path: Path) -> None:
    """The newer one takes its place; what the older one was is overwritten before its name goes."""
    with path.open("r+b") as older:
        older.write(secrets.token_bytes(SIZE))
        older.flush()
        os.fsync(older.fileno())
    next_of(path).rename(path)
    sync_directory(path.parent)


def is_due(path: Path, days: int) -> bool:
    """True if the key is older than this, or its change was begun and not finished."""
    return next_of(path).exists() or time.time() - path.stat().st_mtime > days * 86_400
