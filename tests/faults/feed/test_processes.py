"""Authority and gateway as processes of their own, with a network in between that fails: denied within the lease,
recovered without help, and never a call admitted after CLOSED."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.faults.feed.world import Network, Process

LEASE_S = 2.0
FENCE_US = 2_200_000
NOISE_S = 1.5
"""What a busy machine may add before a test looks."""


class World:
    """One authority, one network, and the gateways a test asks for."""

    network: Network

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.gateways: list[Process] = []

    async def start(self, port: int = 0) -> None:
        self.authority = await Process.start("authority_process", self.directory / "state.db", port)

    async def gateway(self, name: str = "bank", *, without: str = "nothing") -> Process:
        """Enrolled, following, and letting calls through; `without` takes a rule out of it."""
        directory = self.directory / name
        address = f"http://127.0.0.1:{self.network.port}"
        process = await Process.start("gateway_process", directory, name, address, without)
        self.gateways.append(process)
        if not (directory / "feed.json").exists():
            token = await self.authority.ask("token", gateway=name)
            assert await process.ask("enrol", token=token) == "enrolled"
        await process.ask("follow")
        await process.until(lambda told: "b" in told["last"], 10, "told")
        return process

    async def close(self) -> None:
        for process in (*self.gateways, self.authority):
            await process.kill()
        await self.network.close()


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    world.network = await Network(world.authority.ready["port"]).listen()
    yield world
    await world.close()


def stands(told: Any) -> bool:
    return bool(told == "stands")


def stale(told: Any) -> bool:
    return bool(told == "feed_stale")


async def _closed(world: World, grant: str, seq: int) -> dict[str, Any]:
    closure: dict[str, Any] = await world.authority.ask("wait", grant=grant, seq=seq, seconds=10)
    assert closure["state"] == "closed"
    return closure


async def test_a_withdrawal_is_closed_by_acknowledgement_and_nothing_is_admitted_after_it(world: World) -> None:
    """Covers: I11, feed C6, feed C8."""
    bank, calendar = await world.gateway("bank"), await world.gateway("calendar")
    seq = await world.authority.ask("end", grant="a")
    closure = await _closed(world, "a", seq)
    assert {one["gateway"]: one["how"] for one in closure["gateways"]} == {
        "bank": "acknowledged",
        "calendar": "acknowledged",
    }
    assert closure["closed_after_us"] < 1_000_000
    for gateway in (bank, calendar):
        told = await gateway.ask("told")
        assert told["last"]["a"] < closure["told_us"]
        assert await gateway.ask("check", grant="a") == "grant_withdrawn"
        assert await gateway.ask("check", grant="b") == "stands"


async def test_a_stopped_gateway_is_fenced_in_time_denies_when_it_goes_on_and_recovers(world: World) -> None:
    """Covers: feed C1, feed C4, feed S1."""
    gateway = await world.gateway()
    gateway.signal(signal.SIGSTOP)
    seq = await world.authority.ask("end", grant="a")
    closure = await _closed(world, "a", seq)
    assert closure["gateways"][0]["how"] == "fenced"
    assert FENCE_US <= closure["closed_after_us"] < FENCE_US + NOISE_S * 1_000_000
    gateway.signal(signal.SIGCONT)
    await gateway.until(stands, 10, "check", grant="b")
    assert await gateway.ask("check", grant="a") == "grant_withdrawn"
    assert (await gateway.ask("told"))["last"]["a"] < closure["told_us"]


async def test_a_cut_feed_denies_within_the_lease_and_recovers_by_itself(world: World) -> None:
    """Covers: feed C1, feed C3."""
    gateway = await world.gateway()
    world.network.cut = True
    cut_at = time.time_ns() // 1_000
    seq = await world.authority.ask("end", grant="a")
    await gateway.until(stale, LEASE_S + NOISE_S, "check", grant="a")
    last = (await gateway.ask("told"))["last"]
    assert last["a"] - cut_at <= LEASE_S * 1_000_000
    closure = await _closed(world, "a", seq)
    assert last["a"] < closure["told_us"]
    world.network.cut = False
    world.network.break_connections()
    await gateway.until(stands, 10, "check", grant="b")
    assert await gateway.ask("check", grant="a") == "grant_withdrawn"


async def test_replayed_beats_renew_nothing(world: World) -> None:
    """Covers: feed C2."""
    gateway = await world.gateway()
    await asyncio.sleep(0.6)
    world.network.replay = True
    began = time.time_ns() // 1_000
    await gateway.until(stale, LEASE_S + NOISE_S, "check", grant="a")
    assert (await gateway.ask("told"))["last"]["a"] - began <= LEASE_S * 1_000_000
    world.network.replay = False
    await gateway.until(stands, 10, "check", grant="a")


async def test_without_send_times_replayed_beats_renew_for_ever(world: World) -> None:
    """Covers: feed C2, feed C3. The rule removed: what the test before this one would see."""
    gateway = await world.gateway(without="send time")
    await asyncio.sleep(0.6)
    world.network.replay = True
    began = time.time_ns() // 1_000
    beyond = began + (LEASE_S + 1) * 1_000_000
    await gateway.until(lambda told: told["last"]["a"] > beyond, LEASE_S + 1 + NOISE_S, "told")
    assert await gateway.ask("check", grant="a") == "stands"


async def test_a_killed_authority_finishes_its_closures_after_the_restart(world: World) -> None:
    """Covers: feed C1, feed C8."""
    gateway = await world.gateway()
    gateway.signal(signal.SIGSTOP)
    port = world.authority.ready["port"]
    seq = await world.authority.ask("end", grant="a")
    await world.authority.kill()
    await world.start(port)
    started_us = time.time_ns() // 1_000
    gateway.signal(signal.SIGCONT)
    closure = await _closed(world, "a", seq)
    assert [one["how"] for one in closure["gateways"]] == ["fenced"]
    assert closure["told_us"] - started_us < FENCE_US + NOISE_S * 1_000_000
    await gateway.until(stands, 10, "check", grant="b")
    assert await gateway.ask("check", grant="a") == "grant_withdrawn"
    assert (await gateway.ask("told"))["last"]["a"] < closure["told_us"]


async def test_a_restarted_gateway_goes_on_from_its_saved_table(world: World) -> None:
    """Covers: feed C12."""
    gateway = await world.gateway()
    seq = await world.authority.ask("end", grant="a")
    await _closed(world, "a", seq)
    await gateway.until(lambda told: told["position"] == [1, seq], 5, "told")
    await gateway.kill()
    again = await world.gateway()
    assert await again.ask("check", grant="a") == "grant_withdrawn"
    assert (await again.ask("told"))["last"].keys() == {"b", "c"}
    events = [event["type"] for event in await world.authority.ask("events")]
    assert events.count("gateway.joined@1") == 2
    assert events.count("gateway.left@1") == 1


async def test_enrolment_versions_and_closures_over_http(world: World) -> None:
    """Covers: idea 5."""
    gateway = await world.gateway()
    assert await gateway.ask("version", grant="a") == "a"
    assert await gateway.ask("version", grant="foreign") == "consent_unavailable"
    assert "ask the operator for a new one" in await gateway.ask("enrol", token="enrol_guess")
    assert await world.authority.ask("missing", seq=99) == "Nothing was ended by that entry."
    events = await world.authority.ask("events")
    assert [event["rsn"] for event in events if event["type"] == "finding.raised@1"] == ["version_not_for_gateway"]
    enrolled = [event["detail"] for event in events if event["type"] == "gateway.enrolled@1"]
    assert enrolled[0]["gateway"] == "bank"
    assert set(enrolled[0]["jwk"]) == {"kty", "crv", "x", "y"}


async def test_an_opaque_token_that_is_known_goes_on_for_the_lease_and_a_new_one_has_to_wait(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens" (authority away: new opaque tokens get 503); line 4."""
    gateway = await world.gateway()
    assert await gateway.ask("opaque", grant="a") == "stands"
    world.network.cut = True
    world.network.break_connections()
    assert [await gateway.ask("opaque", grant=grant) for grant in ("a", "b")] == ["stands", "token_unavailable"]
    await gateway.until(stale, LEASE_S + NOISE_S, "opaque", grant="a")
    assert await gateway.ask("opaque", grant="b") == "token_unavailable"
    world.network.cut = False
    world.network.break_connections()
    await gateway.until(stands, 10, "opaque", grant="a")
    assert await gateway.ask("opaque", grant="b") == "stands"
    assert await gateway.ask("opaque", grant="nobody's") == "token_invalid"


async def test_an_ending_reaches_an_opaque_token_through_the_feed_and_not_when_its_answer_is_old(world: World) -> None:
    """Covers: line 4 (dropped by the feed); feed C8."""
    gateway = await world.gateway()
    assert await gateway.ask("opaque", grant="a") == "stands"
    closure = await _closed(world, "a", await world.authority.ask("end", grant="a"))
    assert closure["closed_after_us"] < 1_000_000
    assert await gateway.ask("opaque", grant="a") == "grant_withdrawn"
    await world.authority.kill()
    assert await gateway.ask("opaque", grant="a") in {"grant_withdrawn", "feed_stale"}
