"""Reads the feed as it is committed, and proves by a write that this process is the one that keeps it."""

from collections.abc import Sequence
from typing import NamedTuple

from grantline.model.clock import Clock
from grantline.model.errors import GrantlineError, InvalidConfiguration
from grantline.model.feed import Position
from grantline.model.ports import Work
from grantline.signals.feed.tail import Tail
from grantline.signals.store import FeedBase, FeedLine, Transaction

ALL = -1


class NotKeeper(GrantlineError):
    """Another process keeps the feed now, or it has another incarnation: start again."""


class Fresh(NamedTuple):
    """Lines that were not known before. `since_us`: unix µs no later than the return of any of their commits."""

    lines: list[FeedLine]
    since_us: int
    seen_ns: int
    seen_us: int

    def committed_us(self, line: FeedLine) -> int:
        """When the commit of `line` returned, told too early rather than too late, so that no figure flatters."""
        return min(max(self.since_us, line.requested_us or 0), self.seen_us)


class Reading:
    """The tail of the feed and how it grows."""

    def __init__(self, work: Work[Transaction], clock: Clock, holder: str) -> None:
        self._work = work
        self._clock = clock
        self._holder = holder
        self._read_us = 0
        self._woken_us: int | None = None
        self.tail = Tail(0, FeedBase())

    async def load(self) -> Sequence[FeedLine]:
        """Everything that is kept, checked against the stored digest."""

        async def read(tx: Transaction) -> tuple[Position, bytes, FeedBase, Sequence[FeedLine]]:
            base = await tx.gateways.feed.base()
            head, link = await tx.gateways.feed.head()
            return head, link, base, await tx.gateways.feed.after(base.seq, ALL)

        head, link, base, lines = await self._work.read(read)
        self.tail = Tail(head.incarnation, base)
        self.tail.extend(lines)
        if self.tail.head != head or self.tail.link != link:
            raise InvalidConfiguration("The stored feed does not agree with its own digest; restore a copy.")
        self._read_us = self._clock.wall_us()
        return lines

    def wake(self) -> None:
        """A commit with entries just returned."""
        if self._woken_us is None:
            self._woken_us = self._clock.wall_us()

    async def read(self) -> Fresh:
        """What was committed since the last look. Raises `NotKeeper` if the feed has another incarnation."""
        known, since_us = self.tail.head.seq, self._since()

        async def look(tx: Transaction) -> tuple[Position, Sequence[FeedLine]]:
            head, _ = await tx.gateways.feed.head()
            return head, await tx.gateways.feed.after(known, ALL)

        head, lines = await self._work.read(look)
        return self._take(head, lines, since_us)

    async def prove(self) -> tuple[Position, Fresh]:
        """Write that this process keeps the feed; the head and the lines up to it, read in that same transaction.

        Returns after the write is durable. Raises `NotKeeper` if another process took the feed over.
        """
        known, since_us = self.tail.head.seq, self._since()

        async def write(tx: Transaction) -> tuple[bool, Position, Sequence[FeedLine]]:
            proved = await tx.gateways.keeper.prove(self._holder)
            head, _ = await tx.gateways.feed.head()
            return proved, head, await tx.gateways.feed.after(known, ALL)

        proved, head, lines = await self._work.write(write)
        if not proved:
            raise NotKeeper("Another process keeps the feed.")
        return head, self._take(head, lines, since_us)

    async def prune(self, before: int) -> int:
        """Forget leading entries with `until` below unix seconds `before`; returns the base that is left."""
        base = self.tail.expired(before)
        if base is not None:
            await self._work.write(lambda tx: tx.gateways.feed.forget(base))
            self.tail.forget(base)
        return self.tail.base.seq

    def _since(self) -> int:
        since = self._read_us if self._woken_us is None else self._woken_us
        self._woken_us = None
        return since

    def _take(self, head: Position, lines: Sequence[FeedLine], since_us: int) -> Fresh:
        if head.incarnation != self.tail.incarnation:
            raise NotKeeper("The feed has another incarnation.")
        self._read_us = self._clock.wall_us()
        return Fresh(self.tail.extend(lines), since_us, self._clock.boot_ns(), self._read_us)
