"""Does the consent stand, so that something may be issued on it? Asked in the transaction that issues (I3)."""

from dataclasses import dataclass

from grantline.authorization.server import Server
from grantline.authorization.store import Transaction
from grantline.model.consent import State, Version
from grantline.model.errors import InvalidGrant
from grantline.model.ids import ConsentId


@dataclass(frozen=True, slots=True)
class Stands:
    """A consent that stands, with the version in force."""

    state: State
    version: Version


async def require_standing(server: Server, tx: Transaction, consent: ConsentId) -> Stands:
    """The consent, if it is active and within its time; raises `InvalidGrant`."""
    return Stands(*await server.consents.require_active(tx, consent=consent))


async def find_standing(server: Server, tx: Transaction, consent: ConsentId) -> Stands | None:
    """The same, None where it does not stand."""
    try:
        return await require_standing(server, tx, consent)
    except InvalidGrant:
        return None
