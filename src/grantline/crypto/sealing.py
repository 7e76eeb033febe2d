"""Small secrets at rest: sealed so that a copy of the database alone tells nothing (AES-256-GCM, NIST SP 800-38D)."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import Randomness

NONCE = 12
KEY = 32


class Sealer:
    """Seals and opens under one 32-byte root key. Each use gets a key of its own, derived by its name (HMAC-SHA256)."""

    def __init__(self, root: bytes, use: str, randomness: Randomness = secrets.token_bytes) -> None:
        if len(root) != KEY:
            raise InvalidConfiguration(f"The key that seals secrets at rest has to be {KEY} bytes long.")
        self._cipher = AESGCM(hmac.digest(root, f"seal:{use}".encode(), hashlib.sha256))
        self._digest = hmac.digest(root, f"digest:{use}".encode(), hashlib.sha256)
        self._randomness = randomness

    def seal(self, secret: bytes, bound_to: str) -> bytes:
        """Nonce and ciphertext. `bound_to`: whose it is; it opens only for the same."""
        nonce = self._randomness(NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """The secret. Raises `InvalidConfiguration` when key or owner are others: nothing is guessed."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], bound_to.encode())
        except (InvalidTag, ValueError) as error:
            raise InvalidConfiguration(
                "A secret at rest cannot be opened; was the key restored with the database?"
            ) from error

    def digest(self, secret: str, bound_to: str) -> bytes:
        """A keyed digest (32 bytes) to compare short secrets by: without the key, nobody can try them out."""
        return hmac.digest(self._digest, f"{bound_to}\0{secret}".encode(), hashlib.sha256)
