"""Filters wait for their call, once, not longer than its context, and only so many."""

import pytest

from grantline.gateway.minimiser import Pending, PendingFull
from grantline.model.decision import FieldFilter

FILTER = FieldFilter(records=(), fields=(("id",),))


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_filter_is_taken_once() -> None:
    pending = Pending(Time())
    pending.put("e1", FILTER, 101.0)
    assert [pending.take("e1"), pending.take("e1"), pending.take("e2")] == [FILTER, None, None]


def test_a_filter_ends_with_its_context() -> None:
    time = Time()
    pending = Pending(time)
    pending.put("e1", FILTER, 101.0)
    time.now = 101.0
    assert pending.take("e1") is None


def test_only_so_many_wait_and_those_that_wait_are_never_pushed_out() -> None:
    pending = Pending(Time(), most=2)
    pending.put("e1", FILTER, 101.0)
    pending.put("e2", FILTER, 101.0)
    with pytest.raises(PendingFull):
        pending.put("e3", FILTER, 101.0)
    assert pending.take("e3") is None
    assert pending.take("e1") == FILTER


def test_ended_filters_make_room() -> None:
    time = Time()
    pending = Pending(time, most=2)
    pending.put("e1", FILTER, 101.0)
    pending.put("e2", FILTER, 109.0)
    time.now = 102.0
    pending.put("e3", FILTER, 110.0)
    assert [pending.take("e2"), pending.take("e3")] == [FILTER, FILTER]
