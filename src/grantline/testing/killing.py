"""An authority that dies by SIGKILL at a chosen statement of a write, and is started again at once.

`python -m grantline.testing.killing DATA CONFIG`: everything is imported once, then each life is a fork of that. A
file `DATA/run/armed` with "n NAME" arms it: of the transaction that runs the unit of this qualified name, the n-th
statement is not run any more. The moment after the commit counts as a statement of its own: durable, and nobody was
told. What it was stands in `DATA/run/killed` afterwards. Other transactions go on as ever, whenever they come.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from grantline.app import authority
from grantline.app.ready import stop_on_signals
from grantline.settings import Settings, load
from grantline.storage.sqlite.connection import connect

BEGIN, COMMIT = "BEGIN IMMEDIATE", "COMMIT"
COMMITTED = "after COMMIT"


class Trap:
    """One connection's: counts the statements of the armed unit's transaction, kills this process before the n-th."""

    def __init__(self, data: Path) -> None:
        self._armed, self._killed = data / "run" / "armed", data / "run" / "killed"
        self._writing = False
        self._count = 0

    def before(self, statement: str) -> None:
        """A statement is about to run."""
        if statement == BEGIN:
            self._writing = self._armed.exists() and self._armed.read_text().split()[1] in _units()
            self._count = 0
        self._step(statement)

    def after(self, statement: str) -> None:
        """A statement was run."""
        if statement == COMMIT:
            self._step(COMMITTED)
            self._writing = False

    def _step(self, statement: str) -> None:
        if not self._writing:
            return
        self._count += 1
        if self._count == int(self._armed.read_text().split()[0]):
            self._killed.write_text(statement)
            self._armed.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def watched(data: Path, path: Path) -> sqlite3.Connection:
    """A connection with a trap of its own."""
    trap = Trap(data)

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            trap.before(sql)
            cursor = super().execute(sql, *arguments)
            trap.after(sql)
            return cursor

    return connect(path, factory=Watched)


def _units() -> set[str]:
    """Names of the units that are about to be written. Only the writer's own stack knows them at its BEGIN."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and "group" not in frame.f_locals:
        frame = frame.f_back
    return set() if frame is None else {waiting.unit.__qualname__ for waiting in frame.f_locals["group"]}


async def live(settings: Settings, data: Path) -> None:
    """One life."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    await authority.run(settings, data, lambda: None, stop, connect=partial(watched, data))


def main(data: Path, config: Path) -> int:
    """Live again after every kill; end with what a life that was not killed ended with."""
    settings = load(config)
    while True:
        child = os.fork()
        if child == 0:
            asyncio.run(live(settings, data))
            os._exit(0)
        signal.signal(signal.SIGTERM, lambda *_, child=child: os.kill(child, signal.SIGTERM))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
