"""Tokens by keys that the gateway does not know: refused, and the authority is asked, but not by each stranger anew."""

import asyncio
import random
from pathlib import Path

import pytest

from grantline.gateway import process
from grantline.gateway.process import GatewayParts, GatewayPlan
from grantline.model.bundle import BundleContent
from grantline.model.ids import GatewayId
from tests.unit.enforce.world import ManualClock


async def never(_submission: object) -> None:
    return


async def test_unknown_keys_ask_for_the_bundle_at_most_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: check 157."""
    assert process.KEYS_AT_MOST_EVERY_S == 60
    monkeypatch.setattr(process, "KEYS_AT_MOST_EVERY_S", 0.3)
    plan = GatewayPlan(
        name=GatewayId("bank"), folder=tmp_path, issuer="http://a.example", fronts=(), submit=lambda _one: never
    )  # type: ignore[arg-type]
    parts = GatewayParts(plan, ManualClock(), random.Random(1).randbytes)
    fetched = asyncio.Queue[None]()

    async def fetch() -> BundleContent:
        fetched.put_nowait(None)
        raise ConnectionError("away")

    parts.bundle._fetch = fetch
    keeping = asyncio.create_task(parts.keep_keys())
    find = parts.gateway._tokens._find
    try:
        for _ in range(100):
            assert find("unknown") is None
            await asyncio.sleep(0)
        await fetched.get()
        assert fetched.empty()
        await asyncio.sleep(0.4)
        assert fetched.empty(), "nobody has asked since"
        assert find("unknown") is None
        await asyncio.wait_for(fetched.get(), 1)
        assert fetched.empty()
    finally:
        keeping.cancel()
        await parts.close()
