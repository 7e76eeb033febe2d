"""What time alone ends: consents and sessions at their end, questions nobody answered, tickets that count no more."""

import asyncio
import secrets

import structlog

from grantline.app.state import WakingWork
from grantline.consent import Consents
from grantline.identity import Sessions
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.parties import Registrar, registering
from grantline.storage.sql.transaction import SqlTransaction

EVERY_S = 5.0
DAY_S = 86_400
MOST_AT_ONCE = 100
KEEP_TICKETS_S = 3_600
KEEP_SESSIONS_S = 86_400
"""How long it is known where an ended session was signed in; longer than apps are told of its end."""
_log = structlog.get_logger("grantline.app")


async def keep_sweeping(
    work: WakingWork, consents: Consents, sessions: Sessions, clock: Clock, unused_days: int = 30
) -> None:
    """Until cancelled. Nothing depends on its pace: what has ended is refused by its own clock reading."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await sweep(work, consents, sessions, clock, unused_days)
        except AuditUnavailable as error:
            _log.warning("sweep_waits", detail=error.detail)


async def sweep(work: WakingWork, consents: Consents, sessions: Sessions, clock: Clock, unused_days: int = 30) -> None:
    """Once, to the end. `unused_days`: how long a client that registered itself may wait for its first person."""

    async def expire(tx: SqlTransaction) -> int:
        return len(await consents.expire_due(tx))

    async def lapse(tx: SqlTransaction) -> int:
        return await consents.lapse_due(tx)

    for ending in (expire, lapse):
        while await work.write(ending):
            continue
    while await work.write(lambda tx: sessions.end_over(tx, MOST_AT_ONCE)) == MOST_AT_ONCE:
        continue
    now = clock.wall_us() // 1_000_000

    async def forget(tx: SqlTransaction) -> None:
        await tx.tickets.sweep(now - KEEP_TICKETS_S)
        await tx.elsewhere.sweep(now - KEEP_TICKETS_S)
        await tx.burned.sweep(now)
        await tx.opaque_tokens.sweep(now)
        await tx.exchanged.sweep(now)
        await tx.client_sessions.sweep(now - KEEP_SESSIONS_S)
        await tx.ceremonies.sweep(now)

    await work.write(forget)
    by = Registrar(clock, secrets.token_bytes, 0)

    async def forget_clients(tx: SqlTransaction) -> int:
        await tx.initial_tokens.sweep(now)
        return await registering.forget_unused(tx, by, now - unused_days * DAY_S, limit=MOST_AT_ONCE)

    while await work.write(forget_clients) == MOST_AT_ONCE:
        continue
