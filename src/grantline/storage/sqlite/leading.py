"""The lock of the process that leads, on one machine: a file, given back by the kernel when its holder dies."""

import asyncio
from pathlib import Path

from grantline.ledger.lock import OnlyOne
from grantline.model.errors import InvalidConfiguration


class FileLock:
    """An advisory lock on `path`. What a process holds it holds until it lets go or dies: it is never lost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: OnlyOne | None = None

    async def take(self) -> bool:
        """At once; False if another process holds it."""
        try:
            self._held = OnlyOne(self._path, "Another process leads.")
        except InvalidConfiguration:
            return False
        return True

    async def lost(self) -> None:
        """Return when this process may no longer hold it."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Let another process take over."""
        if self._held is not None:
            self._held.release()
            self._held = None
