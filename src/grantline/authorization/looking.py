"""Something that looks for work after each commit, and now and then by itself, until cancelled."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress

import structlog

from grantline.model.errors import AuditUnavailable

LOOK_EVERY_S = 1.0
REST_S = 0.05
"""Between looks, however often something is written."""
_log = structlog.get_logger("grantline.authorization")


class Looking(ABC):
    """One loop; a failure is told under the name `waits`, and the next look comes all the same."""

    waits: str

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was written: look now."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_EVERY_S)
            self._woken.clear()
            try:
                await self.step()
            except AuditUnavailable as error:
                _log.warning(self.waits, detail=error.detail)
            except Exception:
                _log.exception(self.waits)
            await asyncio.sleep(REST_S)

    @abstractmethod
    async def step(self) -> int:
        """One look; how much there was to do."""
