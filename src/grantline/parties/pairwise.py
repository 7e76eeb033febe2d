"""One person, a different name towards each sector of clients, so that two clients cannot compare (OIDC Core §8.1)."""

import hashlib
import hmac

from grantline.crypto.encoding import b64url
from grantline.model.ids import PersonId, SubjectId
from grantline.parties.clients import Client, SubjectType

_NAME_BYTES = 18
_EVERYBODY = ""
"""In place of a sector's name; no sector has this one."""


class Pairwise:
    """Makes subjects. The key is 32 random bytes that only the authority holds; losing it renames everybody."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the pairwise key must have at least 32 bytes")
        self._key = key

    def towards(self, client: Client, person: PersonId) -> SubjectId:
        """The person's `sub` at this client: its sector's own, or the one that all public clients see."""
        if client.subject_type is SubjectType.PUBLIC:
            return SubjectId(f"pub_{self._name(_EVERYBODY, person)}")
        return self.subject(client.sector_host, person)

    def subject(self, sector: str, person: PersonId) -> SubjectId:
        """The person's stable `sub` for this sector."""
        return SubjectId(f"pw_{self._name(sector, person)}")

    def _name(self, sector: str, person: PersonId) -> str:
        return b64url(hmac.digest(self._key, f"{sector}\0{person}".encode(), hashlib.sha256)[:_NAME_BYTES])
