"""Who looked up a token: one event for each of them, grant and minute, so that the record does not drown in them."""

import hashlib

from grantline.authorization.events import about_consent
from grantline.authorization.server import Server
from grantline.authorization.store import Transaction
from grantline.model.consent import State
from grantline.model.events import EventType

_SEEN = "introspected"
_MINUTE = 60


async def is_told(server: Server, tx: Transaction, caller: str, state: State) -> bool:
    """True if the record has this caller's look at this grant in this minute: one more has nothing to add."""
    return await tx.burned.has(_SEEN, _digest(caller, state, server.now() // _MINUTE))


async def tell_once(server: Server, tx: Transaction, caller: str, state: State, jti: str | None) -> None:
    """Put the event into the outbox unless this caller had one for this grant in this minute."""
    minute = server.now() // _MINUTE
    if await tx.burned.keep(_SEEN, _digest(caller, state, minute), (minute + 1) * _MINUTE):
        event = about_consent(
            server, EventType.TOKEN_INTROSPECTED, state, act="introspect", res="token", jti=jti,
            detail={"caller": caller},
        )  # fmt: skip
        await tx.outbox.append(event)


def _digest(caller: str, state: State, minute: int) -> bytes:
    return hashlib.sha256(f"{caller}\0{state.consent_id}\0{minute}".encode()).digest()
