"""A promise with an end: until then, and with the feed applied up to there, this gateway may admit calls."""

from dataclasses import dataclass

from grantline.model.feed import Position


@dataclass(frozen=True, slots=True)
class Lease:
    """`until_ns`: CLOCK_BOOTTIME of this machine. `position`: the head that the renewing beat named."""

    until_ns: int
    position: Position

    def covers(self, applied: Position | None) -> bool:
        """Whether tables that stand at `applied` may be used under this lease."""
        return (
            applied is not None
            and applied.incarnation == self.position.incarnation
            and applied.seq >= self.position.seq
        )


class SendTimes:
    """When this boot sent each of its pings. A lease counts from there, however late the echo arrives."""

    def __init__(self) -> None:
        self._sent: dict[int, int] = {}
        self._last = 0

    def next(self, now_ns: int) -> int:
        """The number of a ping that leaves now."""
        self._last += 1
        self._sent[self._last] = now_ns
        return self._last

    def at(self, n: int) -> int | None:
        """CLOCK_BOOTTIME at which ping `n` left; None if it is unknown or too old to matter."""
        return self._sent.get(n)

    def forget_before(self, ns: int) -> None:
        """Drop pings that left earlier: their echoes could renew nothing."""
        for n in [n for n, sent in self._sent.items() if sent < ns]:
            del self._sent[n]
