"""S1 under loss, delay, repetition, reordering, drift and restarts; and that this search would find its absence."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.feed_world import Rules
from tests.properties.feed.machine import CallAfterClosed, FeedMachine
from tests.unit.feed.closing_runs import RestartForgets, SessionsInMemory
from tests.unit.feed.lease_runs import HeadNotCompared, LongContext, NoSecondCheck
from tests.unit.feed.table_runs import OwnGrantOnly

SEARCH = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
    print_blob=False,
    report_multiple_bugs=False,
)
LONG = {"max_examples": 5_000, "stateful_step_count": 80}


def test_no_call_begins_after_its_consent_was_told_closed() -> None:
    """Covers: feed S1, I4, I11."""
    run_state_machine_as_test(FeedMachine, settings=SEARCH)


@pytest.mark.long(**LONG)
def test_no_call_begins_after_its_consent_was_told_closed_in_a_long_search() -> None:
    """Covers: feed S1, I4, I11."""
    run_state_machine_as_test(FeedMachine, settings=settings(SEARCH, **LONG))


BROKEN = {
    "head in the beat": lambda: Rules(following=HeadNotCompared),
    "context's end": lambda: Rules(standing=LongContext),
    "lineage": lambda: Rules(standing=OwnGrantOnly),
    "durable sessions": lambda: Rules(feed=SessionsInMemory),
    "count anew": lambda: Rules(feed=RestartForgets),
    "second check": lambda: Rules(standing=NoSecondCheck),
}
RARE = ("second check",)
"""Found as well, after a longer search."""


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=pytest.mark.long) if rule in RARE else rule for rule in BROKEN]
)
def test_the_search_finds_a_missing_rule(rule: str) -> None:
    """Covers: feed S1. A search that finds nothing anywhere would prove nothing."""
    machine = type("Broken", (FeedMachine,), {"rules_in_force": staticmethod(BROKEN[rule])})
    with pytest.raises(CallAfterClosed):
        run_state_machine_as_test(machine, settings=settings(SEARCH, max_examples=5_000))
