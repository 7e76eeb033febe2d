"""The log by which an upstream is judged: one line for each call it began, written before it did anything."""

import json
import os
from pathlib import Path

from grantline.model.clock import Clock, SystemClock
from grantline.sdk.resource_server import Context


class TooLate(Exception):
    """The context ended between the check at the door and the beginning of the work."""


class CallLog:
    """Append-only JSON lines. `began_us`: unix microseconds; `context_exp`: unix seconds, end of the signed context."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def began(self, context: Context, method: str, route: str) -> None:
        """Write down that a call begins now; raises `TooLate` if it may not. One write a line: a kill leaves none torn.

        The time that is written is the time that is checked, so a process that stood still in between begins nothing.
        """
        began_us = self._clock.wall_us()
        if began_us >= context.exp * 1_000_000:
            raise TooLate
        line = {
            "began_us": began_us,
            "evaluation": context.ev,
            "grant": context.grant_id,
            "context_exp": context.exp,
            "method": method,
            "route": route,
        }
        os.write(self._file, json.dumps(line).encode() + b"\n")
