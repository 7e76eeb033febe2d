"""A piece of disk kept free for withdrawals: given up when the disk is full, taken back when there is room."""

import os
from pathlib import Path

SIZE = 4 * 1024 * 1024


class Reserve:
    """A preallocated file beside the database. While it is spent, only essential units are let through."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size
        self.restore()

    @property
    def spent(self) -> bool:
        """True after the reserve was given up and could not be taken back yet."""
        return not self._path.exists()

    def spend(self) -> bool:
        """Free the space. False if it was spent before."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def restore(self) -> bool:
        """Take the space back if the disk has it."""
        if self._path.exists():
            return True
        taking = self._path.with_suffix(".taking")
        try:
            descriptor = os.open(taking, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            taking.rename(self._path)
        except OSError:
            taking.unlink(missing_ok=True)
            return False
        return True
