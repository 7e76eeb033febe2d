"""An access log for a program that has no proxy before it: one JSON line a call, when its answer is complete."""

import json
import os
import time
from pathlib import Path
from typing import Any


class Timed:
    """`start_us`: unix microseconds. `duration_ms`: until the last byte was handed over. `status`: of the answer."""

    def __init__(self, app: Any, path: Path) -> None:
        self._app = app
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the call on and write it down."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start_us, began = time.time_ns() // 1_000, time.perf_counter()
        status = 0

        async def told(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            ms = round((time.perf_counter() - began) * 1_000, 3)
            line = {"start_us": start_us, "duration_ms": ms, "status": status, "path": scope["path"]}
            os.write(self._file, json.dumps(line).encode() + b"\n")
        return None
