"""The entries the authority still keeps, in memory: what sessions are sent and what digests are compared with."""

from collections.abc import Iterable

from grantline.model.feed import Entry, Marks, Position, chain, digest
from grantline.signals.store import FeedBase, FeedLine


class Tail:
    """From the base to the head of one incarnation."""

    def __init__(self, incarnation: int, base: FeedBase) -> None:
        self.incarnation = incarnation
        self.base = base
        self._entries: list[Entry] = []
        self._links: list[bytes] = []
        self._marks: list[Marks] = []

    @property
    def head(self) -> Position:
        """The last place."""
        return Position(self.incarnation, self.base.seq + len(self._entries))

    @property
    def link(self) -> bytes:
        """The chain at the head."""
        return self._links[-1] if self._links else self.base.chain

    def extend(self, lines: Iterable[FeedLine]) -> list[FeedLine]:
        """Take the lines that follow the head; those already here are passed over. Returns what was new."""
        new = [line for line in lines if line.entry.seq > self.head.seq]
        for line in new:
            if line.entry.seq != self.head.seq + 1:
                raise RuntimeError(f"the feed has no entry {self.head.seq + 1} before {line.entry.seq}")
            marks = self._marks[-1] if self._marks else self.base.marks
            self._links.append(chain(self.link, line.entry))
            self._marks.append(marks.after(line.entry))
            self._entries.append(line.entry)
        return new

    def after(self, seq: int) -> tuple[Entry, ...]:
        """Entries that follow `seq`, in order."""
        return tuple(self._entries[max(0, seq - self.base.seq) :])

    def digest(self, seq: int) -> str | None:
        """What a gateway must hold at `seq`; None if that place is no longer, or not yet, known."""
        index = seq - self.base.seq
        if index == 0:
            return digest(self.base.chain, self.base.marks)
        if 0 < index <= len(self._entries):
            return digest(self._links[index - 1], self._marks[index - 1])
        return None

    def expired(self, before: int) -> FeedBase | None:
        """The base that would remain if all leading entries with `until` below that were dropped; None: nothing is."""
        count = 0
        while count < len(self._entries) and self._entries[count].until < before:
            count += 1
        if count == 0:
            return None
        return FeedBase(seq=self.base.seq + count, chain=self._links[count - 1], marks=self._marks[count - 1])

    def forget(self, base: FeedBase) -> None:
        """Begin at `base` from now on."""
        count = base.seq - self.base.seq
        self.base = base
        del self._entries[:count], self._links[:count], self._marks[:count]
