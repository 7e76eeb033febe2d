"""All keys of an authority: the ring that changes with time, and the two secrets that do not."""

import hashlib
import hmac
from dataclasses import dataclass

from grantline.authorization.keys.ring import KeyRing
from grantline.crypto.signing import PublicKey, SigningKey
from grantline.parties import Pairwise

TOKENS = "ES256"
"""Signs access tokens, versions and receipts: what gateways verify is decided by nobody's registration."""


@dataclass(frozen=True, slots=True)
class Keys:
    """`ring`: what signs and verifies, read at each use.


    `refresh`: 32 secret bytes from which refresh tokens are made, together with a secret in the database.
    """

    ring: KeyRing
    refresh: bytes
    pairwise: Pairwise

    @classmethod
    def of(cls, signing: SigningKey | KeyRing, pairwise_key: bytes) -> "Keys":
        """All keys from the ring, or from one key for good, and the pairwise secret."""
        ring = signing if isinstance(signing, KeyRing) else KeyRing.of(signing)
        refresh = hmac.digest(pairwise_key, b"grantline refresh tokens", hashlib.sha256)
        return cls(ring, refresh, Pairwise(pairwise_key))

    @property
    def signing(self) -> SigningKey:
        """What signs access tokens at this moment. Do not keep it."""
        return self.ring.for_alg(TOKENS)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What can be signed with at this moment."""
        return self.ring.algorithms

    @property
    def published(self) -> tuple[PublicKey, ...]:
        """The JWKS: what signs first, then what will, then what still verifies."""
        return self.ring.published

    @property
    def for_gateways(self) -> tuple[PublicKey, ...]:
        """Of those, the keys of access tokens and versions."""
        return tuple(key for key in self.published if key.alg == TOKENS)

    def for_alg(self, alg: str) -> SigningKey:
        """What signs with this algorithm; raises `TemporarilyUnavailable` where nothing does."""
        return self.ring.for_alg(alg)

    def find(self, kid: str) -> PublicKey | None:
        """The public key of this name; an unknown one is refused (check 114)."""
        return self.ring.find(kid)

    def find_ever(self, kid: str) -> PublicKey | None:
        """Also one that is gone, for a hint that may be older than any token; never a compromised one."""
        return self.ring.find_ever(kid)
