"""Somebody else with a gateway's key, and an authority that dies while an ending is waited for."""

import asyncio
import json
import os
import secrets
import signal
import sqlite3
import time
from collections.abc import Callable

import httpx2
import pytest

from grantline.app.places import Places
from grantline.gateway.authority_client import AuthorityClient
from grantline.gateway.following import Following
from grantline.gateway.instance_key import instance_key
from grantline.gateway.standing import Standing
from grantline.model.clock import SystemClock
from grantline.model.ids import GatewayId
from grantline.model.reasons import Reason
from tests.faults.system.record import read_record
from tests.feed_world import FENCE_MS, claims
from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)
BANK = GatewayId("bank")
LEASE_S = 2.0
NOISE_S = 1.5


class Copy:
    """A second process with the key of the bank's gateway, by the same code."""

    def __init__(self, world: WholeWorld) -> None:
        clock, key = SystemClock(), instance_key(Places(world.data).gateway(BANK))
        self.client = AuthorityClient(world.authority, BANK, key, clock, secrets.token_bytes)
        self.standing = Standing(clock)
        self._following = Following(boot="copy", clock=clock, workers=[self.standing])

    @property
    def stands(self) -> bool:
        return self.standing.check(claims("none")) is not Reason.FEED_STALE

    async def live(self) -> None:
        """Ask for leases and never let go of the connection."""
        async with self.client.feed() as connection:
            await connection.send(self._following.hello())
            while True:
                await connection.send(self._following.ping())
                try:
                    async with asyncio.timeout(0.1):
                        self._following.receive(await connection.receive())
                except TimeoutError:
                    continue


def asked(world: WholeWorld, statement: str, *values: object) -> list[tuple[str, ...]]:
    """Rows of the authority's state as it stands."""
    state = sqlite3.connect(f"file:{world.data}/authority/state.db?mode=ro", uri=True)
    try:
        return state.execute(statement, values).fetchall()
    finally:
        state.close()


async def wait(found: Callable[[], object], within_s: float) -> None:
    """Until `found` says so."""
    deadline = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def key_used_twice(world: WholeWorld) -> int:
    """How often the record says so."""
    return sum(event.rsn == "gateway_key_used_twice" for event in read_record(world.data).events)


async def reason(app: Connected, url: str) -> str:
    """Why a call is refused, or "allowed"."""
    answer = await app.get(url)
    return "allowed" if answer.status_code == 200 else str(answer.json()["reason"])


async def test_of_two_with_one_key_the_older_loses_its_lease_and_the_real_one_comes_back(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: feed C7. The copy takes over from the gateway, and the gateway from the copy as soon as it notices.

    Each time it is a finding in the record.
    """
    world.register("copied", dpop_bound=False)
    app = await world.connect(http, "copied", bound=False)
    assert await reason(app, world.bank + "/accounts") == "allowed"
    before, copy = key_used_twice(world), Copy(world)
    living = asyncio.create_task(copy.live())
    sessions = "SELECT session, boot FROM gateway_sessions WHERE gateway = 'bank' ORDER BY rowid"
    try:
        await wait(lambda: copy.stands, 5)
        older = [boot for _, boot in asked(world, sessions)][-2]
        await wait(lambda: asked(world, sessions)[-1][1] == older, LEASE_S + NOISE_S)
        await wait(lambda: not copy.stands, LEASE_S + NOISE_S)
        assert not living.done(), "the copy is connected still; it only has no lease"
        assert await reason(app, world.bank + "/accounts") == "allowed"
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await copy.client.close()
    await wait(lambda: key_used_twice(world) >= before + 2, 5)


async def test_an_authority_that_dies_over_an_ending_counts_anew_and_tells_it_closed_in_time(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: feed C1, feed C8. One gateway is stopped: nobody can know that it admits nothing but by time."""
    world.register("dying", dpop_bound=False)
    ended, kept = [await world.connect(http, "dying", bound=False) for _ in range(2)]
    url, consent = world.bank + "/accounts", str(ended.tokens.grant_id)
    for app in (ended, kept):
        assert await reason(app, url) == "allowed"
    ends, closures = "SELECT seq FROM feed WHERE id = ?", "SELECT body FROM closures WHERE consent = ?"
    keeper = asked(world, "SELECT holder FROM feed_keeper")
    gateway = world.pid("--role gateway --gateway bank")
    os.kill(gateway, signal.SIGSTOP)
    try:
        revoking = asyncio.create_task(asyncio.to_thread(world.cli, "grant", "revoke", consent, "--why", "tried"))
        await wait(lambda: asked(world, ends, consent), 30)
        assert asked(world, closures, consent) == []
        last = time.monotonic()
        os.kill(world.pid("--role authority"), signal.SIGKILL)
        while (now := time.monotonic()) and asked(world, "SELECT holder FROM feed_keeper") == keeper:
            last = now
            await asyncio.sleep(0.02)
        await wait(lambda: asked(world, closures, consent), 30)
        assert time.monotonic() - last >= FENCE_MS / 1_000, "counted from the start of the authority that tells it"
        await revoking
    finally:
        os.kill(gateway, signal.SIGCONT)
    assert await reason(ended, url) != "allowed"
    ((body,),) = asked(world, closures, consent)
    assert {one["gateway"]: one["how"] for one in json.loads(body)["gateways"]}["bank"] == "fenced"
    deadline = time.monotonic() + 20
    while await reason(kept, url) != "allowed":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert await reason(ended, url) == "grant_revoked"
