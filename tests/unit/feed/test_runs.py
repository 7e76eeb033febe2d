"""The shortest breaking runs of the model, against the real code: each holds, and breaks with its rule removed."""

import pytest

from tests.feed_world import Rules
from tests.unit.feed.clock_runs import RUNS as CLOCK
from tests.unit.feed.closing_runs import RUNS as CLOSING
from tests.unit.feed.lease_runs import RUNS as LEASE
from tests.unit.feed.number_runs import RUNS as NUMBER
from tests.unit.feed.runs import Run
from tests.unit.feed.table_runs import RUNS as TABLE

RUNS = (*LEASE, *CLOCK, *CLOSING, *TABLE, *NUMBER)


@pytest.mark.parametrize("run", RUNS, ids=str)
async def test_the_rule_prevents_its_shortest_breaking_run(run: Run) -> None:
    """Covers: feed C1, feed C2, feed C3, feed C4, feed C5, feed C6, feed C7, feed C8, feed C9, feed C10, feed C12,
    feed C14."""
    assert not await run.play(Rules())


@pytest.mark.parametrize("run", RUNS, ids=str)
async def test_without_the_rule_the_run_breaks(run: Run) -> None:
    """Covers: feed C1, feed C2, feed C3, feed C4, feed C5, feed C6, feed C7, feed C8, feed C9, feed C10, feed C12,
    feed C14."""
    assert await run.play(run.without())
