"""The server is killed at each statement of what it does, in turn: afterwards all of an act stands, or nothing."""

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from grantline.authorization import Keys
from grantline.consent import Offer
from grantline.crypto.es256 import SigningKey
from grantline.storage.sqlite.connection import connect
from tests.authorization_world import T0, HandClock, World, every, handle_of, make_world
from tests.flows.authorization.raw import exchange, get_code, post
from tests.opaque_world import opaque_at

MOST = 80
TOKEN_KEY = SigningKey.generate()
APP = SigningKey.generate()
Act = Callable[[World, str], Awaitable[None]]
Tables = dict[str, int]


class Trap:
    """Kills this process when the given statement is about to run, once armed."""

    def __init__(self, at: int) -> None:
        self._left = at
        self.armed = False

    def __call__(self, _: str) -> None:
        if self.armed:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def connect(self, path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(self)
        return connection


async def opened(path: Path, trap: Trap | None = None, *, fresh: bool = False) -> World:
    keys = Keys.of(TOKEN_KEY, b"k" * 32)
    clock = HandClock((T0 + (0 if fresh else 5)) * 1_000_000)
    seed = 0 if fresh else 1
    return await make_world(
        path, clock=clock, seed=seed, fresh=fresh, keys=keys, connect=trap.connect if trap else connect,
        catalog=opaque_at("bank"),
    )  # fmt: skip


async def prepare(path: Path) -> dict[str, str]:
    """A file with a code, a refresh token and an open question; what is needed to use each."""
    world = await opened(path, fresh=True)
    code = await get_code(world, APP, prompt="consent")
    used = await post(world, "/token", exchange(await get_code(world, APP, prompt="consent")), APP)
    begun = await world.app().begin(scope="bank.transactions", prompt="consent")
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    assert world.session is not None
    await world.look(handle, world.session)
    await world.close()
    refresh = used.json()["refresh_token"]
    return {"redeem": code, "refresh": refresh, "revoke": refresh, "approve": handle}


async def redeem(world: World, code: str) -> None:
    assert (await post(world, "/token", exchange(code), APP)).status_code == 200


async def refresh(world: World, token: str) -> None:
    form = {"grant_type": "refresh_token", "client_id": "budget", "refresh_token": token}
    assert (await post(world, "/token", form, APP)).status_code == 200


async def revoke(world: World, token: str) -> None:
    assert (await post(world, "/revoke", {"client_id": "budget", "token": token}, APP)).status_code == 200


async def approve(world: World, handle: str) -> None:
    session = await world.sign_in()
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer)
    await world.interaction.approve(handle, every(offer), session, digest=offer.digest)


ACTS: dict[str, tuple[Act, tuple[str, ...]]] = {
    "redeem": (redeem, ("codes used", "families", "tokens issued", "opaque tokens")),
    "refresh": (refresh, ("generations", "tokens refreshed", "opaque tokens")),
    "revoke": (revoke, ("families ended", "feed", "families told")),
    "approve": (approve, ("consents given", "versions", "consents told", "requests used", "codes")),
}


def look(path: Path) -> Tables:
    """Counts that have to move together."""
    connection = sqlite3.connect(path)
    ask = {
        "codes used": "SELECT count(*) FROM tickets WHERE kind='code' AND redeemed_at IS NOT NULL",
        "codes": "SELECT count(*) FROM tickets WHERE kind='code'",
        "requests used": "SELECT count(*) FROM tickets WHERE kind='request' AND redeemed_at IS NOT NULL",
        "families": "SELECT count(*) FROM families",
        "families ended": "SELECT count(*) FROM families WHERE ended_at IS NOT NULL",
        "generations": "SELECT sum(generation) FROM families",
        "feed": "SELECT count(*) FROM feed",
        "consents given": "SELECT count(*) FROM consents WHERE status='active'",
        "versions": "SELECT count(*) FROM consent_versions",
        "opaque tokens": "SELECT count(*) FROM opaque_tokens",
        "tokens issued": "SELECT count(*) FROM outbox WHERE instr(CAST(body AS TEXT), 'token.issued@1')",
        "tokens refreshed": "SELECT count(*) FROM outbox WHERE instr(CAST(body AS TEXT), 'token.refreshed@1')",
        "families told": "SELECT count(*) FROM outbox WHERE instr(CAST(body AS TEXT), 'token.family_ended@1')",
        "consents told": "SELECT count(*) FROM outbox WHERE instr(CAST(body AS TEXT), 'consent.given@1')",
    }
    counts = {name: int(connection.execute(sql).fetchone()[0]) for name, sql in ask.items()}
    connection.close()
    return counts


def run_and_die(path: Path, act: Act, thing: str, at: int) -> bool:
    """Do the act in a process of its own that dies at this statement; True if it came to its end instead."""
    child = os.fork()
    if child == 0:
        trap = Trap(at)

        async def life() -> None:
            world = await opened(path, trap)
            await world.sign_in()
            trap.armed = True
            await act(world, thing)

        try:
            asyncio.run(life())
        except BaseException:
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the act itself failed"
    return not os.WIFSIGNALED(status)


@pytest.mark.parametrize("name", ACTS)
def test_all_of_it_or_nothing(tmp_path: Path, name: str) -> None:
    """Covers: line 11; check 170."""
    act, together = ACTS[name]
    base = tmp_path / "base.db"
    thing = asyncio.run(prepare(base))[name]
    before = look(base)
    outcomes = set()
    for at in range(1, MOST):
        path = tmp_path / f"{at}.db"
        shutil.copy(base, path)
        ended = run_and_die(path, act, thing, at)
        after = look(path)
        moved = {after[one] - before[one] for one in together}
        assert moved in ({0}, {1}), f"killed at statement {at}: {after}"
        outcomes |= moved
        if ended:
            assert moved == {1}
            break
    else:
        pytest.fail("the act has more statements than were tried")
    assert outcomes == {0, 1}
