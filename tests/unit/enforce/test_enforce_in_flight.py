"""Which calls count as still running: what keeps a call's timeout decides, and what a restart ends."""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.departures import OpenCall
from grantline.gateway.lease import Lease
from grantline.gateway.process import Front, GatewayParts, GatewayPlan
from grantline.gateway.standing import Departure
from grantline.model.events import Accepted, Submission
from grantline.model.feed import Entry, Kind, Marks, Position
from grantline.model.ids import ApiId, ConsentId, GatewayId
from tests.feed_world import claims
from tests.unit.enforce.world import ManualClock

LONG_S = 3_600.0
BEHIND_ENVOY = (Front(ApiId("bank"), "http://bank", Path("decide"), Path("minimise"), ("127.0.0.1", 1)),)  # type: ignore[arg-type]


async def _takes(_: Submission) -> Accepted:
    raise AssertionError


def _submit(_: object) -> Callable[[Submission], Awaitable[Accepted]]:
    return _takes


def parts(folder: Path, clock: ManualClock, fronts: tuple[Front, ...]) -> GatewayParts:
    plan = GatewayPlan(GatewayId("g"), folder, "https://authority.example", fronts, _submit)
    return GatewayParts(plan, clock, random.Random(1).randbytes)


def hold(made: GatewayParts, clock: ManualClock) -> Departure:
    """One call that left, of a grant that ends afterwards."""
    table = Cutoffs()
    table.start_from(Position(1, 0), bytes(32), Marks())
    made.standing.adopt(table)
    made.standing._loaded = lambda _marks: True
    made.standing.renew(Lease(clock.boot_ns() + 1_000_000_000, Position(1, 0)))
    departure = made.standing.depart(claims())
    assert isinstance(departure, Departure)
    departure.left()
    ended = Entry(seq=1, kind=Kind.GRANT, id="g", cause="grant_withdrawn", until=2_000_000_000, min_epoch=2)
    made.standing.apply(1, (ended,))
    return departure


async def test_a_call_inside_the_program_itself_runs_until_its_end_is_told(tmp_path: Path) -> None:
    """Covers: feed C9. Nothing else keeps a timeout for it."""
    clock = ManualClock()
    made = parts(tmp_path, clock, ())
    departure = hold(made, clock)
    clock.forward(LONG_S)
    assert made.standing.busy() == ("g",)
    departure.ended()
    assert made.standing.busy() == ()
    await made.close()


async def test_a_call_behind_a_proxy_is_over_when_the_proxy_ends_it(tmp_path: Path) -> None:
    """Covers: feed C9."""
    clock = ManualClock()
    made = parts(tmp_path, clock, BEHIND_ENVOY)
    hold(made, clock)
    assert made.standing.busy() == ("g",)
    clock.forward(LONG_S)
    assert made.standing.busy() == ()
    await made.close()


@pytest.mark.parametrize(("fronts", "busy"), [((), ()), (BEHIND_ENVOY, ("g",))])
async def test_only_a_proxy_carries_calls_over_a_restart(
    tmp_path: Path, fronts: tuple[Front, ...], busy: tuple[str, ...]
) -> None:
    """Covers: feed C9."""
    made = parts(tmp_path, ManualClock(), fronts)
    made.recall((OpenCall((ConsentId("g"),)),))
    assert made.standing.busy() == busy
    await made.close()
