"""Is a token we issued still good right now, by our own tables? For introspection and userinfo."""

import hashlib
from dataclasses import dataclass

from grantline.authorization.server import Server
from grantline.authorization.standing import Stands, find_standing
from grantline.authorization.store import FamilyRow, Transaction
from grantline.model.ids import ClientId
from grantline.model.token import AccessClaims
from grantline.parties import Standing

REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Live:
    """A token that counts, with the consent it stands on."""

    stands: Stands
    family: FamilyRow | None


def revoked_digest(jti: str) -> bytes:
    """How a revoked token is remembered until it would have expired."""
    return hashlib.sha256(jti.encode()).digest()


async def live_token(server: Server, tx: Transaction, claims: AccessClaims) -> Live | None:
    """The token's consent, or None if the token was revoked or anything that it stands on has ended."""
    stands = await find_standing(server, tx, claims.grant_id)
    if stands is None or claims.gep < stands.state.min_epoch:
        return None
    if await tx.burned.has(REVOKED, revoked_digest(claims.jti)):
        return None
    family = None if claims.fam is None else await tx.families.get(claims.fam)
    if family is not None and family.ended_at is not None:
        return None
    for name in (claims.client_id, *map(ClientId, claims.actors)):
        if not await is_active(tx, name):
            return None
    return Live(stands, family)


async def is_active(tx: Transaction, client: ClientId) -> bool:
    """True if the operator lets this client act."""
    found = await tx.clients.get(client)
    return found is not None and found.status is Standing.ACTIVE
