"""A catalog that changes while the state cannot be written comes into force afterwards, and nothing ends meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from grantline.app.places import Places
from grantline.model.errors import AuditUnavailable
from tests.instance_world import instance


class Away:
    """A state that cannot be written until it is `back`."""

    def __init__(self, work: Any) -> None:
        self._work = work
        self.asked = asyncio.Event()
        self.back = False

    async def write(self, unit: Callable[[Any], Awaitable[Any]]) -> Any:
        self.asked.set()
        if not self.back:
            raise AuditUnavailable("Nothing can be stored right now.")
        return await self._work.write(unit)


async def test_a_changed_catalog_waits_for_a_state_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grantline.app.rules.LOOK_EVERY_S", 0.01)
    async with instance(tmp_path, "one") as here:
        rules, away = here.composed.rules, Away(here.composed.work)
        monkeypatch.setattr(rules, "_work", away)
        before = rules.catalog().hash
        place = Places(here.data).catalog
        place.write_text(place.read_text().replace("Example Calendar", "Other Calendar"))
        looking = asyncio.create_task(rules.keep_looking())
        for _ in range(2):
            away.asked.clear()
            await asyncio.wait_for(away.asked.wait(), 10)
        assert (looking.done(), rules.catalog().hash) == (False, before)
        away.back = True
        async with asyncio.timeout(10):
            while rules.catalog().hash == before:  # noqa: ASYNC110 - a file that is looked at
                await asyncio.sleep(0.01)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
