"""Opaque tokens at both adapters: inside an application, and through a real Envoy."""

import orjson
import pytest

from grantline.model.feed import Kind
from grantline.model.reasons import Reason
from tests.flows.enforce.test_enforce_asgi_adapter import Setting, setting
from tests.flows.enforce.test_enforce_through_envoy import Stack, stack
from tests.unit.enforce.world import TRANSACTIONS, World

__all__ = ["setting", "stack"]


def proven(world: World, token: str) -> dict[str, str]:
    """The headers of one call with this token."""
    return {"authorization": f"DPoP {token}", "dpop": world.proof(token)}


async def test_the_asgi_adapter_admits_one_until_the_feed_ends_it(setting: Setting) -> None:
    """Covers: line 4 (opaque, ASGI)."""
    world = setting.world
    token = world.opaque()
    answer = await setting.get(**proven(world, token))
    assert answer.json() == {"transactions": [{"date": "2026-11-01", "amount": "4.20", "category": "food"}]}
    world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    assert (await setting.get(**proven(world, token))).json()["reason"] == "grant_withdrawn"
    assert len(setting.bank.calls) == 1


@pytest.mark.envoy
async def test_envoy_asks_us_about_one_like_about_any_other(stack: Stack) -> None:
    """Covers: line 4 (opaque, Envoy); check 113."""
    world = stack.world
    token, new = world.opaque(), world.opaque()
    got = await stack.ask(TRANSACTIONS, *proven(world, token).items())
    assert (got.status, b"MARK" in got.raw) == (200, False)
    short = await stack.ask(TRANSACTIONS, *proven(world, token[:-1]).items())
    assert (short.status, orjson.loads(short.body)["reason"]) == (401, "token_invalid")
    world.away = True
    waits = await stack.ask(TRANSACTIONS, *proven(world, new).items())
    assert (waits.status, orjson.loads(waits.body)["reason"]) == (503, "token_unavailable")
    assert waits.headers["retry-after"] == "1"
    assert (await stack.ask(TRANSACTIONS, *proven(world, token).items())).status == 200
    world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    ended = await stack.ask(TRANSACTIONS, *proven(world, token).items())
    assert (ended.status, orjson.loads(ended.body)["reason"]) == (401, "grant_withdrawn")
