"""Follows the signed log for one sink: at least once, in order, from a place of its own.

The place is kept after the sink took a batch, so a crash in between sends that batch again. What was pruned before the
sink got it is a gap, and said to be one.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from grantline.ledger.files import write_synced
from grantline.ledger.formats.reading import records
from grantline.ledger.formats.record import Record
from grantline.ledger.published import Published
from grantline.model.errors import GrantlineError, InvalidConfiguration, NotFound

MOST = 500
LOOK_S = 0.5
LONGEST_PAUSE_S = 30.0
_log = structlog.get_logger(__name__)


class SinkFailed(GrantlineError):
    """The sink did not take the batch; the same goes again later."""


class Sink(Protocol):
    """One destination."""

    async def send(self, batch: Sequence[Record]) -> None:
        """Return once the sink has it, as far as its protocol tells. Raises `SinkFailed`."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Entries below `index` of this log were sent."""

    origin: str
    index: int


class Follower:
    """One sink's."""

    def __init__(self, name: str, published: Published, sink: Sink, place: Path) -> None:
        self.name = name
        self._published, self._sink, self._path = published, sink, place

    async def follow(self, *, look_s: float = LOOK_S, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        """Until cancelled. A sink that fails is asked again, less and less often."""
        pause = look_s
        while True:
            try:
                while await self.step():
                    pause = look_s
                pause = look_s
            except (SinkFailed, NotFound, OSError) as error:
                _log.warning("sink_waits", sink=self.name, at=self.index, error=str(error), pause_s=pause)
                pause = min(pause * 2, longest_pause_s)
            await asyncio.sleep(pause)

    async def step(self) -> int:
        """Send the next batch; how many entries that was. Raises `SinkFailed` or `NotFound`."""
        last = self._published.last()
        if last is None or last.size <= self.index:
            return 0
        batch = await asyncio.to_thread(lambda: list(islice(self._records(), MOST)))
        await self._sink.send(batch)
        place = Place(origin=last.origin, index=batch[-1].index + 1)
        await asyncio.to_thread(write_synced, self._path, msgspec.json.encode(place))
        return len(batch)

    @property
    def index(self) -> int:
        """The next entry to be sent. Raises `InvalidConfiguration` for the place of another log."""
        if not self._path.exists():
            return 0
        place = msgspec.json.decode(self._path.read_bytes(), type=Place)
        last = self._published.last()
        if last is not None and (last.origin != place.origin or last.size < place.index):
            raise InvalidConfiguration(
                f"{self._path}: the place is of another log, or of more than this one holds. Remove it to begin anew."
            )
        return place.index

    def _records(self) -> Iterator[Record]:
        index, minimum = self.index, self._published.minimum()
        if index < minimum:
            _log.error("sink_gap", sink=self.name, first=index, last=minimum - 1, why="pruned before it was sent")
        return records(self._published, index)

    async def close(self) -> None:
        """Let go of the sink."""
        await self._sink.close()
