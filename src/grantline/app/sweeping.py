"""What time alone ends: consents at their end, questions nobody answered, tickets and proofs that count no more."""

import asyncio

import structlog

from grantline.app.state import WakingWork
from grantline.consent import Consents
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.storage.sql.transaction import SqlTransaction

EVERY_S = 5.0
KEEP_TICKETS_S = 3_600
KEEP_SESSIONS_S = 86_400
"""How long it is known where an ended session was signed in; longer than apps are told of its end."""
_log = structlog.get_logger("grantline.app")


async def keep_sweeping(work: WakingWork, consents: Consents, clock: Clock) -> None:
    """Until cancelled. Nothing depends on its pace: what has ended is refused by its own clock reading."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await sweep(work, consents, clock)
        except AuditUnavailable as error:
            _log.warning("sweep_waits", detail=error.detail)


async def sweep(work: WakingWork, consents: Consents, clock: Clock) -> None:
    """Once, to the end."""

    async def expire(tx: SqlTransaction) -> int:
        return len(await consents.expire_due(tx))

    async def lapse(tx: SqlTransaction) -> int:
        return await consents.lapse_due(tx)

    for ending in (expire, lapse):
        while await work.write(ending):
            continue
    now = clock.wall_us() // 1_000_000

    async def forget(tx: SqlTransaction) -> None:
        await tx.tickets.sweep(now - KEEP_TICKETS_S)
        await tx.burned.sweep(now)
        await tx.client_sessions.sweep(now - KEEP_SESSIONS_S)
        await tx.ceremonies.sweep(now)

    await work.write(forget)
