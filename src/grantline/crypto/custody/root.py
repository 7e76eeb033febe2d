"""The root key: 32 random bytes that seal every other secret. At rest it is a file of its own, plain or wrapped.

Plain, it keeps nobody out who can read the directory; it is there so that a copy of single files tells nothing, and so
that a passphrase can be set later without touching any key. Wrapped under a secret from elsewhere, a stolen disk tells
nothing.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grantline.crypto.custody.envelope import NotOpened, seal, unseal
from grantline.crypto.custody.file import create_private, read_private, write_private
from grantline.crypto.encoding import b64url, unb64url
from grantline.model.errors import InvalidConfiguration

NAME = "root key"
SIZE = 32
_COST, _BLOCK, _LANES = 1 << 15, 8, 1
"""scrypt: 32 MiB and a tenth of a second for each guess (RFC 7914)."""


class _Plain(msgspec.Struct, tag="plain", frozen=True):
    key: str


class _Wrapped(msgspec.Struct, tag="scrypt", frozen=True):
    """`n`, `r`, `p`: costs of scrypt. `envelope`: the root key, sealed under what scrypt makes of the secret."""

    salt: str
    n: int
    r: int
    p: int
    envelope: msgspec.Raw


@dataclass(frozen=True, slots=True)
class RootKey:
    """The key itself. `plain`: it lies in clear beside what it seals, which the operator is told."""

    key: bytes
    plain: bool

    def __repr__(self) -> str:
        return f"RootKey(plain={self.plain})"

    def seal(self, name: str, secret: bytes) -> bytes:
        """An envelope of this name."""
        return seal(self.key, name, secret)

    def unseal(self, name: str, data: bytes) -> bytes:
        """The secret in an envelope of this name; raises `NotOpened`."""
        return unseal(self.key, name, data)


def open_root(path: Path, secret: bytes | None) -> RootKey:
    """The root key at `path`, made on first use; a plain one is wrapped as soon as there is a secret.

    Raises `InvalidConfiguration` when the secret is missing or wrong.
    """
    if not path.exists():
        create_private(path, _written(secrets.token_bytes(SIZE), secret))
    try:
        held = msgspec.json.decode(read_private(path), type=_Plain | _Wrapped)
    except msgspec.MsgspecError as error:
        raise InvalidConfiguration(f"{path} is not a root key, or of a newer release") from error
    match held, secret:
        case _Plain(), None:
            return RootKey(unb64url(held.key), plain=True)
        case _Plain(), bytes():
            key = unb64url(held.key)
            write_private(path, _written(key, secret))
            return RootKey(key, plain=False)
        case _Wrapped(), bytes():
            return RootKey(_unwrapped(path, held, secret), plain=False)
    raise InvalidConfiguration(f"{path} needs its passphrase: set keys.passphrase_file")


def _unwrapped(path: Path, held: _Wrapped, secret: bytes) -> bytes:
    try:
        return unseal(_stretched(secret, unb64url(held.salt), held.n, held.r, held.p), NAME, bytes(held.envelope))
    except (NotOpened, ValueError) as error:
        raise InvalidConfiguration(f"the passphrase does not open {path}") from error


def _written(key: bytes, secret: bytes | None) -> bytes:
    if secret is None:
        return msgspec.json.encode(_Plain(b64url(key)))
    salt = os.urandom(16)
    envelope = seal(_stretched(secret, salt, _COST, _BLOCK, _LANES), NAME, key)
    return msgspec.json.encode(_Wrapped(b64url(salt), _COST, _BLOCK, _LANES, msgspec.Raw(envelope)))


def _stretched(secret: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=SIZE)
