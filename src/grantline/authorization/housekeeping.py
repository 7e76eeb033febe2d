"""Forgets what can matter no more. Nothing waits for it: every use looks at the clock itself."""

from grantline.authorization.server import Server
from grantline.authorization.store import Transaction

KEEP_USED_S = 3_600
"""Used codes stay known for so long after they expired, so that a late second use still ends what came of the first."""


async def sweep(server: Server) -> int:
    """Remove tickets and used-up identifiers of the past; how many. Run it every minute or so."""
    now = server.now()

    async def unit(tx: Transaction) -> int:
        return await tx.tickets.sweep(now - KEEP_USED_S) + await tx.burned.sweep(now)

    return await server.work.write(unit)
