"""Carries the spool to the ledger, in order, until it is there. Sending again is harmless; skipping never happens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from grantline.gateway.spool import Spool
from grantline.ledger.set_aside import SetAside, submit_around
from grantline.model.events import MOST_SUBMITTED, Accepted, Sequenced, Submission

Submit = Callable[[Submission], Awaitable[Accepted]]
"""Returns once the events are durable in the ledger. Raises what its transport raises."""

MOST_BYTES = 2 * 1024 * 1024
"""In one submission. Half of what the ledger takes, or a burst of large events would be refused for ever."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


async def ship(
    spool: Spool, producer: str, submit: Submit, *, aside: SetAside,
    failures: Callable[[str], None] = lambda _text: None, recovered: Callable[[float], None] = lambda _seconds: None,
) -> None:  # fmt: skip
    """Run until cancelled. `recovered` hears for how many seconds the ledger took nothing, once it does again."""
    pause = FIRST_PAUSE
    clock = asyncio.get_running_loop().time
    since: float | None = None
    while True:
        await spool.arrived.wait()
        try:
            await drain(spool, producer, submit, aside)
            pause = FIRST_PAUSE
        except Exception as error:  # Whatever went wrong, the events are still here and go again.
            failures(f"the ledger did not take events: {error!r}")
            since = clock() if since is None else since
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            if since is not None:
                recovered(clock() - since)
            since = None


async def drain(spool: Spool, producer: str, submit: Submit, aside: SetAside) -> None:
    """Send everything that is durable now."""
    while events := spool.undelivered(MOST_SUBMITTED, MOST_BYTES):
        # The events are JSON already and go into the message as they stand.
        raw = cast(tuple[Sequenced, ...], tuple(msgspec.Raw(kept.raw) for kept in events))
        accepted = await submit_around(submit, Submission(producer=producer, events=raw), aside)
        spool.delivered(accepted.last_seq)
    spool.arrived.clear()
