"""The ES256 key by which a process proves itself to another of ours: a file of its own, sealed."""

from pathlib import Path

from grantline.crypto.custody.root import RootKey
from grantline.crypto.custody.sealed_files import read_sealed
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration


def own_key(path: Path, root: RootKey) -> SigningKey:
    """The key at `path`, made on first use. One that an older release left in clear (PEM) is sealed now.

    Raises `InvalidConfiguration` if it cannot be opened.
    """
    pem = read_sealed(path, root, make=lambda: SigningKey.generate().to_pem())
    try:
        return SigningKey.from_pem(pem)
    except ValueError as error:
        raise InvalidConfiguration(f"{path} holds no P-256 key") from error
