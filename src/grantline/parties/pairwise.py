"""One person, a different name towards each sector of clients, so that two clients cannot compare (OIDC Core §8.1)."""

import hashlib
import hmac

from grantline.crypto.encoding import b64url
from grantline.model.ids import PersonId, SubjectId

_NAME_BYTES = 18


class Pairwise:
    """Makes subjects. The key is 32 random bytes that only the authority holds; losing it renames everybody."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the pairwise key must have at least 32 bytes")
        self._key = key

    def subject(self, sector: str, person: PersonId) -> SubjectId:
        """The person's stable `sub` for this sector."""
        name = hmac.digest(self._key, f"{sector}\0{person}".encode(), hashlib.sha256)
        return SubjectId(f"pw_{b64url(name[:_NAME_BYTES])}")
