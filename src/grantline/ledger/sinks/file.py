"""A file of lines, synced with each batch, turned at a size."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from grantline.ledger.files import sync_directory
from grantline.ledger.formats.reading import Form
from grantline.ledger.formats.record import Record
from grantline.ledger.sinks.follower import SinkFailed


class FileSink:
    """Appends to `path`; at `most` bytes it becomes `<path>.<first index of the next>`."""

    def __init__(self, path: Path, most: int, form: Form) -> None:
        self._path, self._most, self._form = path, most, form

    async def send(self, batch: Sequence[Record]) -> None:
        """Durable when it returns."""
        try:
            await asyncio.to_thread(self._append, batch)
        except OSError as error:
            raise SinkFailed(f"{self._path}: {error.strerror}") from error

    def _append(self, batch: Sequence[Record]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size >= self._most:
            self._path.rename(self._path.with_name(f"{self._path.name}.{batch[0].index:012d}"))
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A line that a crash cut short is not whole, and goes again with its batch.
            tail = os.pread(descriptor, min(size, 1 << 20), max(0, size - (1 << 20)))
            kept = size - len(tail) + tail.rfind(b"\n") + 1
            os.ftruncate(descriptor, kept)
            data = b"".join(self._form(each) + b"\n" for each in batch)
            at = kept
            while data:
                written = os.pwrite(descriptor, data, at)
                data, at = data[written:], at + written
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(self._path.parent)

    async def close(self) -> None:
        """Nothing is kept open."""
