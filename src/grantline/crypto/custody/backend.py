"""What every custody of private keys offers. A backend is one file here; which one holds a key is kept with the key."""

from typing import Protocol

from grantline.crypto.signing import SigningKey
from grantline.model.errors import GrantlineError


class KeyUnavailable(GrantlineError):
    """The private half of this key is not here, or cannot be opened."""


class Custody(Protocol):
    """Holds private halves by the kid of their public ones. All calls block: on a disk, on a device, on arithmetic."""

    @property
    def name(self) -> str:
        """What is written beside each key that is kept here."""
        ...

    def create(self, alg: str) -> SigningKey:
        """A new key for this algorithm, durable before this returns. Its kid is its thumbprint."""
        ...

    def open(self, kid: str, alg: str) -> SigningKey:
        """The key of this kid; raises `KeyUnavailable`."""
        ...

    def destroy(self, kid: str) -> None:
        """Forget the private half, if it is here."""
        ...
