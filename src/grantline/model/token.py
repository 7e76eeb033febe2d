"""What an access token says (RFC 9068, with the consent it stands on), and what one looks like that says nothing."""

import hashlib
import re
from typing import Any

import msgspec

from grantline.model.feed import Position
from grantline.model.ids import ClientId, ConsentId, FamilyId, SubjectId, TokenId

OPAQUE_PREFIX = "gat_"
_OPAQUE = re.compile(OPAQUE_PREFIX + r"[A-Za-z0-9_-]{43}\Z")


def opaque_digest(token: str) -> bytes | None:
    """By what an opaque token is known to whoever does not hold it: its SHA-256. None for anything else."""
    return hashlib.sha256(token.encode()).digest() if _OPAQUE.match(token) else None


class Confirmation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token is bound to: a key by its JWK SHA-256 thumbprint (RFC 9449 §6.1), or a certificate by the SHA-256

    of its DER in base64url (RFC 8705 §3.1). Never both, never neither.
    """

    jkt: str | None = None
    x5t: str | None = msgspec.field(default=None, name="x5t#S256")


def token_type(cnf: Confirmation | None) -> str:
    """How such a token is presented: only a key is proven by the DPoP scheme (RFC 9449 §7.1, RFC 8705 §3)."""
    return "DPoP" if cnf is not None and cnf.jkt is not None else "Bearer"


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Claims of an `at+jwt`. `gver` version, `gep` epoch, `seq` feed position read before the state relied on.

    `pur`: purposes for the audience. `lin`: lineage of (grant, epoch), own grant last, depth ≤ 5.
    `act`: who acts, outermost now, before it who did earlier (RFC 8693 §4.1); `may_act`: who alone may come next.
    `acr`, `auth_time`: how and when (unix seconds) the person signed in (RFC 9068 §2.2.1); absent where nobody did.
    """

    iss: str
    aud: tuple[str, ...]
    sub: SubjectId
    client_id: ClientId
    exp: int
    iat: int
    jti: TokenId
    scope: str
    grant_id: ConsentId
    gver: int
    gep: int
    seq: Position
    pur: tuple[str, ...]
    fam: FamilyId | None = None
    cnf: Confirmation | None = None
    act: dict[str, object] | None = None
    lin: tuple[tuple[ConsentId, int], ...] = ()
    may_act: dict[str, object] | None = None
    acr: str | None = None
    auth_time: int | None = None

    @property
    def actors(self) -> tuple[str, ...]:
        """Everyone through whose hands this access went, the one who acts now first."""
        names: list[str] = []
        actor: Any = self.act
        while isinstance(actor, dict):
            names.append(str(actor.get("sub", "")))
            actor = actor.get("act")
        return tuple(names)
