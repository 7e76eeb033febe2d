"""What purging and pruning need of the ledger's files."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from grantline.model.ids import EventId


class Progress(NamedTuple):
    """Of one class: entries below `idx` are done; `rows` of details went since the last purge that was told."""

    idx: int
    rows: int


class Purge(NamedTuple):
    """What one month lost of one class: rows of details of entries [first, last). `event`: by which the tree tells."""

    event: EventId
    kind: str
    month: str
    first: int
    last: int
    rows: int


class RetentionStore(Protocol):
    """Plain blocking calls, made between two groups of the sequencer."""

    def progress(self, kind: str) -> Progress:
        """How far this class is."""
        ...

    def drop_details(self, rows: Sequence[tuple[int, str]], kind: str, progress: Progress, purge: Purge | None) -> None:
        """Drop these (index, key id), note how far the class got and what is to be told, in one transaction."""
        ...

    def leave_no_copy(self) -> None:
        """Leave nothing that was dropped in files or their logs. Raises `AuditUnavailable` while they are read."""
        ...

    def purges(self) -> tuple[Purge, ...]:
        """Every purge, in order."""
        ...

    def begin_again(self) -> None:
        """Look at everything anew: what was kept back may go now."""
        ...

    def drop_entries(self, below: int, limit: int) -> int:
        """Drop at most so many entries below an index, the oldest first; how many."""
        ...

    def drop_projected(self, indexes: Sequence[int]) -> None:
        """Drop these entries from what is kept ready for readers."""
        ...
