"""Where a number of calls was agreed: a gateway uses up what it was given, asks once for more, and never guesses."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantline.consent.calls import FEW, MOST, portion
from grantline.gateway.calls import SPENT_FOR_NS, Calls
from grantline.model.calls import CallsWanted
from grantline.model.ids import ApiId, ConsentId, PurposeId
from grantline.model.reasons import Reason
from tests.unit.enforce.world import TRANSACTIONS, ManualClock, World, transactions_item

WANTED = CallsWanted(
    consent=ConsentId("g_1"), api=ApiId("bank"), datatype="transactions", action="read", purpose=PurposeId("budgeting")
)


class Authority:
    """Gives `portions` one after the other, then nothing."""

    def __init__(self, *portions: int) -> None:
        self.portions, self.asked = list(portions), 0

    async def give(self, wanted: CallsWanted) -> int:
        assert wanted == WANTED
        self.asked += 1
        await asyncio.sleep(0)
        return self.portions.pop(0) if self.portions else 0


async def test_calls_at_one_time_share_one_question_and_use_up_what_it_brought() -> None:
    authority = Authority(3, 2)
    calls = Calls(authority.give, ManualClock())
    found = await asyncio.gather(*(calls.take(WANTED) for _ in range(8)))
    assert found == [None] * 5 + [Reason.LIMIT_REACHED] * 3
    assert authority.asked == 3


async def test_where_none_was_left_nobody_asks_again_for_a_while() -> None:
    authority, clock = Authority(0, 1), ManualClock()
    calls = Calls(authority.give, clock)
    assert [await calls.take(WANTED) for _ in range(3)] == [Reason.LIMIT_REACHED] * 3
    assert authority.asked == 1
    clock.forward(SPENT_FOR_NS / 1e9)
    assert await calls.take(WANTED) is None


async def test_an_authority_that_does_not_answer_is_no_yes() -> None:
    told: list[str] = []

    async def away(_wanted: CallsWanted) -> int:
        raise OSError("no route")

    calls = Calls(away, ManualClock(), failures=told.append)
    assert await calls.take(WANTED) is Reason.LIMIT_UNKNOWN
    assert "no route" in told[0]


async def test_a_caller_that_gives_up_does_not_lose_the_others_theirs() -> None:
    authority = Authority(1)
    calls = Calls(authority.give, ManualClock())
    first, second = (asyncio.ensure_future(calls.take(WANTED)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is None


@pytest.mark.parametrize(("calls", "wanted"), [(7, True), (None, False)])
async def test_only_a_limit_is_asked_about(world: World, calls: int | None, wanted: bool) -> None:
    """Covers: ARCHITECTURE.md "reserve"."""
    asked: list[CallsWanted] = []

    class Counting:
        async def take(self, one: CallsWanted) -> Reason | None:
            asked.append(one)
            return None

    more: dict[str, Any] = {} if calls is None else {"calls": calls}
    world.version = world.agreed(transactions_item(**more))
    world.gateway._calls = Counting()
    await world.decide(TRANSACTIONS)
    assert asked == ([WANTED] if wanted else [])


@given(st.integers(min_value=-5, max_value=10_000))
def test_a_portion_is_never_more_than_is_left_and_never_nothing_of_something(left: int) -> None:
    given_out = portion(left)
    assert given_out <= max(left, 0)
    assert given_out <= MOST
    assert (given_out > 0) == (left > 0)
    assert left > FEW or given_out <= 1
