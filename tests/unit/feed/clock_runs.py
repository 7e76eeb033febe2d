"""Shortest breaking runs about clocks: one that is slow, one that stands while its machine sleeps, or is paused."""

import time
from unittest.mock import patch

from grantline.gateway.standing import Stands
from grantline.model import clock as module
from grantline.model.clock import SystemClock
from grantline.signals.feed.settings import FeedSettings
from tests.feed_world import FENCE_MS, MS, Gateway, ManualClock, Rules, World, claims
from tests.unit.feed.lease_runs import LongContext
from tests.unit.feed.runs import Run

NO_MARGIN = FeedSettings(margin_percent=0, upstream_skew_ms=0)
USUAL_MARGIN = FeedSettings(upstream_skew_ms=0)
WIDE_MARGIN = FeedSettings(margin_percent=12, upstream_skew_ms=0)

# Slow


async def _closed_while_it_stands(rules: Rules, rate: float) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway(rate=rate)
    seq = await world.end()
    world.pass_ms(rules.settings.fence_ns(rules.settings.lease_ms) / MS)
    return await world.closed(seq) and gateway.stands()


async def drift(rules: Rules) -> bool:
    """The gateway's clock loses four in a hundred, just less than the margin."""
    return await _closed_while_it_stands(rules, 0.96)


async def wide_drift(rules: Rules) -> bool:
    """It loses ten in a hundred, more than the usual margin covers: the margin must be set wider than the drift."""
    if rules.settings == FeedSettings():
        rules.settings = WIDE_MARGIN
    return await _closed_while_it_stands(rules, 0.90)


# Stopped


class Machine:
    """What the kernel tells: `SystemClock` asks it in place of the one that the test runs on."""

    CLOCK_BOOTTIME, CLOCK_MONOTONIC = time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC

    def __init__(self) -> None:
        begin = ManualClock()
        self._wall_ns = begin.wall * 1_000
        self._told = {self.CLOCK_BOOTTIME: begin.boot, self.CLOCK_MONOTONIC: begin.boot}

    def sleep_ms(self, milliseconds: float) -> None:
        """Suspended: processes and CLOCK_MONOTONIC stand. The time of day is right again when it wakes."""
        passed = int(milliseconds * MS)
        self._wall_ns += passed
        self._told[self.CLOCK_BOOTTIME] += passed

    def time_ns(self) -> int:
        return self._wall_ns

    def clock_gettime_ns(self, which: int) -> int:
        return self._told[which]


class StandsWhileAsleep(SystemClock):
    """Counts on CLOCK_MONOTONIC."""

    def boot_ns(self) -> int:
        return module.time.clock_gettime_ns(time.CLOCK_MONOTONIC)


async def _stopped(world: World, gateway: Gateway, machine: Machine, *, asleep_ms: float) -> bool:
    """Lease; first check; the ending; stopped for the whole wait; told closed; it goes on where it was."""
    first = gateway.standing.check(claims())
    assert isinstance(first, Stands)
    seq = await world.end()
    world.pass_ms(FENCE_MS)
    machine.sleep_ms(asleep_ms)
    assert await world.closed(seq)
    return world.upstream(gateway.standing.depart(claims(), first))


async def clock_that_counts_a_stop(rules: Rules) -> bool:
    machine = Machine()
    with patch.object(module, "time", machine):
        world = await World(rules).start()
        gateway = await world.gateway(clock=rules.system())
        return await _stopped(world, gateway, machine, asleep_ms=FENCE_MS)


async def pause_that_no_clock_counts(rules: Rules) -> bool:
    """A hypervisor pauses the machine, or goes back to a snapshot: no clock in it can know."""
    machine = Machine()
    with patch.object(module, "time", machine):
        world = await World(rules).start()
        gateway = await world.gateway(clock=rules.system())
        return await _stopped(world, gateway, machine, asleep_ms=0)


RUNS = (
    Run("drift within the margin", "C1", drift, lambda: Rules(settings=NO_MARGIN)),
    Run("drift of ten in a hundred", "C1", wide_drift, lambda: Rules(settings=USUAL_MARGIN)),
    Run("clock that counts a stop", "C4", clock_that_counts_a_stop, lambda: Rules(system=StandsWhileAsleep)),
    Run("pause that no clock counts", "C5, C14", pause_that_no_clock_counts, lambda: Rules(standing=LongContext)),
)
