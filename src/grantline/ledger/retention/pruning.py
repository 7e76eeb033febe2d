"""Whole entries go once the log's period is over: only from its beginning, whole bundles at a time, hashes never.

The log tells of it first (`log.pruned@1` with the minimum index): a verifier who finds entries missing finds out why.
"""

from collections.abc import Callable
from functools import partial

from grantline.crypto.note import Checkpoint
from grantline.crypto.tiles import WIDTH
from grantline.ledger.findings import OwnStream
from grantline.ledger.published import Published
from grantline.ledger.retention.holds import Holds
from grantline.ledger.retention.policy import Policy
from grantline.ledger.retention.port import RetentionStore
from grantline.ledger.retention.purging import first_at
from grantline.ledger.sequencer import Sequencer
from grantline.ledger.store import EntryStore
from grantline.model.clock import Clock
from grantline.model.events import EventType

STEP = 2_000


class Pruning:
    """Of one running ledger."""

    def __init__(
        self, sequencer: Sequencer, entries: EntryStore, store: RetentionStore, published: Published, *,
        last: Callable[[], Checkpoint | None], holds: Holds, policy: Policy, stream: OwnStream, clock: Clock,
    ) -> None:  # fmt: skip
        self._sequencer, self._entries, self._store, self._published = sequencer, entries, store, published
        self._last, self._holds, self._policy, self._stream, self._clock = last, holds, policy, stream, clock

    async def finish(self) -> None:
        """After a start: what a crash left of entries that are pruned."""
        await self._drop(self._published.minimum())

    async def prune(self) -> int | None:
        """The new minimum index; None if nothing is old enough, or while any hold stands. Raises `AuditUnavailable`."""
        last, minimum = self._last(), self._published.minimum()
        if last is None or last.size <= minimum or self._holds.standing():
            return None
        ended = self._policy.entries_ended(self._clock.wall_us())
        # The last bundle stays: it grows still, and somebody has to tell when the rest ended.
        found = min(first_at(self._entries, ended, minimum, last.size), last.size - 1) // WIDTH * WIDTH
        if found <= minimum:
            return None
        detail: dict[str, object] = {"minimum": found, "days": self._policy.settings.entry_days}
        await self._stream.tell(EventType.LOG_PRUNED, "prune", detail)
        self._published.set_minimum(found)
        await self._drop(found)
        return found

    async def _drop(self, minimum: int) -> None:
        if not minimum:
            return
        self._published.drop_bundles(minimum)
        while await self._sequencer.between(partial(self._store.drop_entries, minimum, STEP)):
            continue
