"""Custody in files of the data directory, each sealed under the root key."""

from collections.abc import Callable
from pathlib import Path

from grantline.crypto import private_keys
from grantline.crypto.custody.backend import KeyUnavailable
from grantline.crypto.custody.envelope import NotOpened, is_sealed
from grantline.crypto.custody.file import create_private, read_private, write_private
from grantline.crypto.custody.root import RootKey
from grantline.crypto.encoding import unb64url
from grantline.crypto.signing import SigningKey
from grantline.model.errors import InvalidConfiguration


class SealedFiles:
    """Signing keys as `KID.key` in one directory."""

    name = "file"

    def __init__(self, directory: Path, root: RootKey) -> None:
        self._directory = directory
        self._root = root

    def create(self, alg: str) -> SigningKey:
        """A new key, in its file before this returns."""
        return self.keep(private_keys.generate(alg), alg)

    def keep(self, pkcs8: bytes, alg: str) -> SigningKey:
        """Take over a private key (PKCS#8 DER) that was made elsewhere."""
        key = private_keys.read(pkcs8, alg)
        kid = key.public.kid
        write_private(self._path(kid), self._root.seal(_purpose(kid, alg), pkcs8))
        return key

    def open(self, kid: str, alg: str) -> SigningKey:
        """The key in its file; raises `KeyUnavailable`."""
        try:
            return private_keys.read(self._root.unseal(_purpose(kid, alg), read_private(self._path(kid))), alg)
        except (OSError, NotOpened, ValueError) as error:
            raise KeyUnavailable(f"The private half of key {kid} cannot be read.", detail=str(error)) from error

    def destroy(self, kid: str) -> None:
        """Remove the file. What the disk or a copy still holds is sealed."""
        self._path(kid).unlink(missing_ok=True)

    def _path(self, kid: str) -> Path:
        # A kid is a thumbprint; anything else might name another place.
        if len(unb64url(kid)) != 32:
            raise ValueError(f"{kid} is no thumbprint")
        return self._directory / f"{kid}.key"


def read_sealed(path: Path, root: RootKey, make: Callable[[], bytes] | None = None) -> bytes:
    """The secret in a file of its own, made on first use. One that an older release left in clear is sealed now.

    Raises `InvalidConfiguration` if it cannot be opened.
    """
    if make is not None and not path.exists():
        create_private(path, root.seal(path.name, make()))
    data = read_private(path)
    if not is_sealed(data):
        write_private(path, root.seal(path.name, data))
        return data
    try:
        return root.unseal(path.name, data)
    except NotOpened as error:
        raise InvalidConfiguration(f"{path} cannot be opened: {error}") from error


def _purpose(kid: str, alg: str) -> str:
    return f"signing key {alg} {kid}"
