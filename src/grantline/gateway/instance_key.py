"""The key by which a gateway proves itself, in its own folder.

It is sealed under a root key of the gateway's own: what opens the authority's secrets is not here, nor the other way.
"""

from pathlib import Path

from grantline.crypto.custody.own_key import own_key
from grantline.crypto.custody.root import open_root
from grantline.crypto.es256 import SigningKey

INSTANCE_KEY = "instance.pem"
ROOT_KEY = "root.key"


def instance_key(folder: Path, passphrase: bytes | None = None) -> SigningKey:
    """The gateway's key, made on first use. `passphrase`: wraps the root key beside it; None leaves that in clear.

    Raises `InvalidConfiguration` if one of the files cannot be opened.
    """
    return own_key(folder / INSTANCE_KEY, open_root(folder / ROOT_KEY, passphrase))


def has_instance_key(folder: Path) -> bool:
    """Whether the gateway of this folder was started before."""
    return (folder / INSTANCE_KEY).exists()
