"""A gateway counts its own records in the record: what is left out on the way is then missed by number and kind.

While it records, every few seconds; while nothing happens, seldom, so that its silence can be told from its end.
"""

import asyncio
from collections.abc import Callable

from grantline.gateway.records import heartbeat_event
from grantline.gateway.spool import Spool
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.model.ids import Randomness

IDLE_BEATS = 30
"""After so many beats in which nothing was recorded, one is told all the same."""


async def beat(
    spool: Spool, every_s: float, clock: Clock, randomness: Randomness, *, failures: Callable[[str], None]
) -> None:
    """Until cancelled. A beat that cannot be recorded is left out; the next one counts for it."""
    told, quiet = 0, 0
    while True:
        await asyncio.sleep(every_s)
        quiet = 0 if spool.last > told else quiet + 1
        if 0 < quiet < IDLE_BEATS:
            continue
        event = heartbeat_event(
            spool.boot, spool.last, dict(spool.counts), now_us=clock.wall_us(), randomness=randomness
        )
        try:
            told, quiet = await spool.append(event, outcome=True), 0
        except AuditUnavailable as error:
            failures(f"no heartbeat was recorded: {error.detail}")
