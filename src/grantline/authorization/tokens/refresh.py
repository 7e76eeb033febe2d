"""Refresh tokens: made from a key we hold and a secret in the database, so neither alone can make or reveal one."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from grantline.authorization.families import ends_at, last_use
from grantline.authorization.server import Server
from grantline.authorization.store import FamilyRow
from grantline.crypto.encoding import b64url
from grantline.model.ids import FamilyId

_FORM = re.compile(r"(f_[A-Za-z0-9_-]{22})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})\Z")


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as read; nothing is proven until `is_genuine`."""

    family: FamilyId
    generation: int
    proof: str


def make(server: Server, family: FamilyRow, generation: int) -> str:
    """The token of one generation. Made again it is the same text: so a repeat gets the same successor."""
    return f"{family.family}.{generation}.{_proof(server, family, generation)}"


def read(token: str) -> Presented | None:
    """The parts, or None if it has not the form of a refresh token."""
    match = _FORM.match(token)
    return None if match is None else Presented(FamilyId(match[1]), int(match[2]), match[3])


def is_genuine(server: Server, family: FamilyRow, presented: Presented) -> bool:
    """True if we made exactly this token; compared in constant time."""
    return hmac.compare_digest(_proof(server, family, presented.generation), presented.proof)


def lifetimes(family: FamilyRow, generation: int, *, idle: int | None, consent_ends: int, now: int) -> dict[str, int]:
    """What a client is told of how long this token waits to be used, and of when the person has to be asked again.

    In seconds from now; drafts and large servers name the first differently, so it has both names
    (draft-ietf-oauth-refresh-token-expiration-02). A token that was there before keeps the end that it had.
    """
    used_at = last_use(family) if generation == family.generation else now
    unused = min(ends_at(family, used_at, idle), consent_ends) - now
    return {
        "refresh_token_timeout": unused,
        "refresh_token_expires_in": unused,
        "authorization_expires_in": min(family.expires_at, consent_ends) - now,
    }


def _proof(server: Server, family: FamilyRow, generation: int) -> str:
    message = b"\0".join((family.secret, family.family.encode(), str(generation).encode()))
    return b64url(hmac.digest(server.keys.refresh, message, hashlib.sha256))
