"""The gateway's own record, durable before a call goes on: one writer, many calls per fsync, never more than fits."""

import asyncio
import contextlib
import errno
import os
import threading
from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from grantline.gateway.segments import SEGMENT_BYTES, Header, Place, create, frame
from grantline.gateway.spool_recovery import Kept, Left, OpenDecision, recover, write_cursor
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import Event
from grantline.model.ids import Randomness, opaque

MOST_EVENTS = 10_000
LONGEST_LAG_US = 60_000_000
KEEP_US = 120_000_000
"""Bounds: events not yet in the ledger, age of the oldest of them, how long a delivered file is kept.

Delivered files are kept longer than any proxy lets a call run: after a restart they show which calls may still run.
"""

_LARGEST_EVENT = 16_384
_LARGEST_BATCH = 200
_OUTCOME_WAITS_S = 0.05
"""Nobody waits for an outcome, so it is synced with the next decision or after this time, whichever is first: a sync
of its own would make that decision wait for two. A crash in between leaves a call whose outcome is unknown."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Waiting:
    t: int
    type: str
    raw: bytes
    done: asyncio.Future[int]


class Spool:
    """Append-only record of one gateway. Everything but the writing itself belongs to the event loop's thread.

    Numbers are the producer's: without gaps, and going on after a restart for as long as the files are there.
    `last`: the last number that is durable. `counts`: durable events of this run by type.
    """

    def __init__(self, folder: Path, clock: Clock, randomness: Randomness, *, most: int = MOST_EVENTS) -> None:
        """Read what an earlier run left, then begin a new file: now, or once the disk has room for one.

        Raises `AuditUnavailable` when this can never be a record: what is there cannot be read, or nothing be made.
        """
        self._folder, self._clock, self._most = folder, clock, most
        try:
            found = recover(folder)
        except OSError as error:
            raise AuditUnavailable("The record cannot be opened.", detail=str(error)) from error
        self.boot = found.boot or opaque("b", randomness)
        self._next = found.next_seq
        self._descriptor: int | None = None
        # A place behind the end of every file: what is written next begins a new one.
        self._place = Place(SEGMENT_BYTES, found.link)
        self.open_decisions: tuple[OpenDecision, ...] = found.open
        self.damage = found.damage
        self._files = deque(found.files)
        self._file = Left(folder, self._next - 1, clock.wall_us())
        try:
            self._turn()
        except AuditUnavailable as error:
            if not _is_full(error.__cause__):  # A full disk refuses calls, not the start.
                raise
        self._undelivered = deque(found.events)
        self.last = self._next - 1
        self.counts: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []
        self._awaited = False
        self._outstanding = 0
        self._broken: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._write_for_ever, name="spool", daemon=True)
        self._thread.start()
        self.arrived = asyncio.Event()
        if self._undelivered:
            self.arrived.set()

    # Asked by enforcement

    def append(self, event: Event, *, outcome: bool = False) -> asyncio.Future[int]:
        """A future of the event's number, done once it is durable.

        Raises `AuditUnavailable`, at once or through the future, when it cannot be kept: disk, bound or lag. An
        `outcome` is of a call that was admitted already, so the bound leaves as much room again for those.
        """
        raw = _encode(event)
        self._require_room(len(raw), self._most * 2 if outcome else self._most)
        self._loop = asyncio.get_running_loop()
        waiting = _Waiting(event.t, event.type, raw, self._loop.create_future())
        self._outstanding += 1
        with self._wake:
            self._waiting.append(waiting)
            self._awaited = self._awaited or not outcome or len(self._waiting) >= _LARGEST_BATCH
            if self._awaited or len(self._waiting) == 1:
                self._wake.notify()
        return waiting.done

    def _require_room(self, size: int, most: int) -> None:
        trouble = self._broken
        if self._closing:
            trouble = "the spool is closed"
        elif size > _LARGEST_EVENT:
            trouble = f"an event of {size} bytes"
        elif len(self._undelivered) + self._outstanding >= most:
            trouble = f"{most} events wait for the ledger"
        elif self.lag_us > LONGEST_LAG_US:
            trouble = "the ledger is too far behind"
        if trouble is not None:
            raise AuditUnavailable("The call could not be recorded.", detail=trouble)

    @property
    def lag_us(self) -> int:
        """Age of the oldest event that is not in the ledger yet."""
        return max(0, self._clock.wall_us() - self._undelivered[0].t) if self._undelivered else 0

    # Asked by the shipper

    def undelivered(self, most: int, most_bytes: int | None = None) -> tuple[Kept, ...]:
        """The oldest durable events that the ledger has not acknowledged, in order, and at least one if there is any.

        `most_bytes`: what they may have together.
        """
        found: list[Kept] = []
        left = most_bytes
        for kept in islice(self._undelivered, most):
            if left is not None:
                left -= len(kept.raw) + 1
                if left < 0 and found:
                    break
            found.append(kept)
        return tuple(found)

    def delivered(self, last_seq: int) -> None:
        """The ledger holds everything up to `last_seq`; files wholly below it go once their calls must be over."""
        while self._undelivered and self._undelivered[0].seq <= last_seq:
            self._undelivered.popleft()
        limit = self._clock.wall_us() - KEEP_US
        while len(self._files) > 1 and self._files[0].last <= last_seq and self._files[0].written_us < limit:
            self._files.popleft().path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            write_cursor(self._folder, self.boot, last_seq)

    async def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)
        if self._descriptor is not None:
            os.close(self._descriptor)

    # The writer's thread

    def _write_for_ever(self) -> None:
        while batch := self._next_batch():
            try:
                kept = self._write(batch)
            except AuditUnavailable as error:
                self._tell(batch, error)
            except Exception as error:
                # After a failed write or sync nobody knows what is on the disk: nothing more is promised.
                self._broken = repr(error)
                self._tell(batch, AuditUnavailable("The call could not be recorded.", detail=self._broken))
            else:
                self._tell(batch, kept)

    def _next_batch(self) -> list[_Waiting]:
        """What waits, once somebody waits for it or it has waited long enough. Empty: the spool is closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closing)
            self._wake.wait_for(lambda: self._awaited or self._closing, timeout=_OUTCOME_WAITS_S)
            batch, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
            self._awaited = bool(self._waiting)
        return batch

    def _write(self, batch: list[_Waiting]) -> list[Kept]:
        """Frame, write and sync a batch as one; its numbers are spent only when all of it is durable."""
        if self._broken is not None:
            raise AuditUnavailable("The call could not be recorded.", detail=self._broken)
        numbered = [_numbered(self.boot, self._next + n, one) for n, one in enumerate(batch)]
        if self._place.offset + sum(len(kept.raw) + 64 for kept in numbered) > SEGMENT_BYTES:
            self._turn()
        frames, link = bytearray(), self._place.link
        for kept in numbered:
            framed, link = frame(kept.raw, link)
            frames += framed
        assert self._descriptor is not None
        if os.pwrite(self._descriptor, frames, self._place.offset) != len(frames):
            raise OSError("short write")
        os.fdatasync(self._descriptor)
        self._place = Place(self._place.offset + len(frames), link)
        self._next += len(batch)
        return numbered

    def _turn(self) -> None:
        """Go on in a new file. No room for one refuses this batch alone: the next may find some."""
        header = Header(v=1, boot=self.boot, first=self._next, link=self._place.link.hex())
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, place, path = create(self._folder, header)
        except OSError as error:
            raise AuditUnavailable("The call could not be recorded.", detail=f"no new file: {error}") from error
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._place = descriptor, place
        self._file = Left(path, self._next - 1, self._clock.wall_us())
        self._files.append(self._file)

    def _tell(self, batch: list[_Waiting], result: list[Kept] | AuditUnavailable) -> None:
        """Back to the loop, once for the whole batch."""
        with contextlib.suppress(RuntimeError):  # The loop is gone, and with it whoever waited.
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._settle, batch, result, self._file)

    # The event loop's thread again

    def _settle(self, batch: list[_Waiting], result: list[Kept] | AuditUnavailable, file: Left) -> None:
        self._outstanding -= len(batch)
        if isinstance(result, AuditUnavailable):
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_exception(result)
            return
        self._undelivered.extend(result)
        self.last = result[-1].seq
        self.counts.update(waiting.type for waiting in batch)
        file.last, file.written_us = result[-1].seq, result[-1].t
        self.arrived.set()
        for waiting, kept in zip(batch, result, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(kept.seq)


def _is_full(cause: BaseException | None) -> bool:
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def _numbered(boot: str, seq: int, waiting: _Waiting) -> Kept:
    """The event in its place, as the JSON of a `Sequenced`."""
    return Kept(seq, waiting.t, b'{"boot":"%b","seq":%d,"event":%b}' % (boot.encode(), seq, waiting.raw))
