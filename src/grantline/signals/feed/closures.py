"""How far endings have got, for whoever shows or waits for them."""

import asyncio
import contextlib

from grantline.model.errors import NotFound
from grantline.model.feed import Closure, ClosureState, Kind
from grantline.model.ids import ClientId, ConsentId
from grantline.model.ports import Work
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.store import FeedLine, Transaction

LOOK_EVERY_S = 0.1
"""How soon a process that does not keep the feed sees what the keeper has told."""


class Closures:
    """The front door of closures. An entry that closed is told from its row; one that is open, from the count.

    Where this process does not keep the feed, whatever is not closed is UNKNOWN.
    """

    def __init__(self, work: Work[Transaction], feed: Feed) -> None:
        self._work = work
        self._feed = feed

    def count_by(self, feed: Feed) -> None:
        """This process takes the feed over: from now on `feed` counts."""
        self._feed = feed

    async def follow(self, seq: int) -> Closure:
        """The closure of one entry as it stands. Raises `NotFound` for an entry that ends no consent."""
        feed = self._feed
        if feed.keeps:
            with contextlib.suppress(NotKeeper):
                await feed.push()
        count = feed.closing.get(seq)
        if count is not None and feed.keeps:
            return count.closure(counted=True)

        async def read(tx: Transaction) -> tuple[Closure | None, FeedLine | None]:
            return await tx.gateways.closures.of_entry(seq), await tx.gateways.closures.line(seq)

        closure, line = await self._work.read(read)
        if closure is not None:
            return closure
        if count is not None:
            return count.closure(counted=False)
        if line is None or line.entry.kind is not Kind.GRANT:
            raise NotFound("Nothing was ended by that entry.", detail=f"feed entry {seq}")
        return _unknown(line)

    async def wait(self, consent: ConsentId, seq: int, timeout: float) -> Closure:  # noqa: ASYNC109
        """The closure once it is CLOSED, or as it stands after `timeout` seconds. Raises `NotFound`.

        Time running out is an answer here, not an error: hence a parameter instead of a cancelling scope.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            told = asyncio.ensure_future(self._feed.closing.changed())
            try:
                closure = await self.follow(seq)
                if closure.consent != consent:
                    raise NotFound("That entry ends another consent.", detail=f"feed entry {seq}")
                left = deadline - asyncio.get_running_loop().time()
                if closure.state is ClosureState.CLOSED or left <= 0:
                    return closure
                await asyncio.wait({told}, timeout=left if self._feed.keeps else min(left, LOOK_EVERY_S))
            finally:
                told.cancel()

    async def of(self, consent: ConsentId) -> tuple[Closure, ...]:
        """All closures of one consent, oldest first: each version or ending that raised its epoch has one."""

        async def read(tx: Transaction) -> dict[int, None]:
            closed = await tx.gateways.closures.of_consent(consent)
            lines = await tx.gateways.closures.lines_of(consent)
            return dict.fromkeys(sorted({one.seq for one in closed} | {line.entry.seq for line in lines}))

        return tuple([await self.follow(seq) for seq in await self._work.read(read)])


def _unknown(line: FeedLine) -> Closure:
    """Committed, and nobody here can count it."""
    requested_us = line.requested_us or 0
    return Closure(
        seq=line.entry.seq,
        consent=ConsentId(line.entry.id),
        client=line.client or ClientId(""),
        requested_us=requested_us,
        committed_us=requested_us,
        state=ClosureState.UNKNOWN,
        closed_after_us=None,
        drained_after_us=None,
        gateways=(),
    )
