"""Once a month everybody's key is wrapped anew and the root key before is destroyed.

A wrapped key that was erased may still be read in a copy, a log or a page of the disk that nobody overwrote. It opens
with the root key of its time alone, so an erasure is final when that one is gone: within the month (AUDIT §5.5).
"""

import asyncio
from functools import partial

import structlog

from grantline.crypto.custody.file import read_private, write_private
from grantline.ledger.accounts import LEDGER
from grantline.ledger.files import sync_directory
from grantline.ledger.gaps import own_event
from grantline.ledger.root_keys import SIZE, RootKeys, destroy_older, is_due, next_of
from grantline.ledger.sequencer import Sequencer
from grantline.ledger.settings import Places
from grantline.ledger.store import KeyRow, KeyStore
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import EventType, Sequenced, Submission
from grantline.model.ids import Randomness, opaque

STEP = 500
"""Keys that are wrapped anew at once: appends wait for no more than that."""
LOOK_S = 3_600.0
_NONCE = 12
_log = structlog.get_logger(__name__)


class Rewrapping:
    """Of one running ledger. `roots`: shared by everybody in the process who opens people's keys."""

    def __init__(
        self,
        sequencer: Sequencer,
        store: KeyStore,
        roots: RootKeys,
        places: Places,
        *,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._sequencer = sequencer
        self._store = store
        self._roots = roots
        self._path = places.root_key
        self._clock = clock
        self._randomness = randomness

    async def keep_turning(self, days: int) -> None:
        """Until cancelled: whenever the key is older than `days`, and at once where a change was begun before."""
        while True:
            if is_due(self._path, days):
                try:
                    await self.turn()
                except AuditUnavailable as error:
                    _log.warning("ledger_rewrap_waits", detail=error.detail or error.message)
            await asyncio.sleep(LOOK_S)

    async def turn(self) -> int:
        """A new root key; how many keys are under it. Raises `AuditUnavailable`; calling it again goes on."""
        await self._sequencer.between(self._begin)
        after, count, more = "", 0, True
        while more:
            rows = await self._sequencer.between(partial(self._step, after))
            after, count = rows[-1].key_id if rows else after, count + len(rows)
            # Keys that were made meanwhile are under the newer one already: nobody has to wait for the last of them.
            more = len(rows) == STEP
        await self._sequencer.between(self._finish)
        await self._tell(count)
        return count

    def _begin(self) -> None:
        coming = next_of(self._path)
        if not coming.exists():
            write_private(coming, self._randomness(SIZE))
            sync_directory(coming.parent)
            self._roots.take(read_private(coming))

    def _step(self, after: str) -> list[KeyRow]:
        rows = self._store.after(after, STEP)
        if rows:
            self._store.rewrap([self._anew(row) for row in rows])
        return rows

    def _anew(self, row: KeyRow) -> KeyRow:
        secret = self._roots.unwrap(row.wrapped, row.key_id)
        return KeyRow(row.key_id, self._roots.wrap(secret, row.key_id, self._randomness(_NONCE)))

    def _finish(self) -> None:
        self._store.leave_no_copy()
        destroy_older(self._path)
        self._roots.drop_older()

    async def _tell(self, count: int) -> None:
        detail: dict[str, object] = {"key": "root of people's keys", "wrapped": count}
        event = own_event(EventType.KEY_ROTATED, "rewrap", detail, self._clock, self._randomness)
        said = Sequenced(boot=opaque("b", self._randomness), seq=1, event=event)
        await self._sequencer.append(Submission(producer=LEDGER, events=(said,)))
