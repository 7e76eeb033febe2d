"""Rate limits in memory."""

import pytest

from grantline.authorization.rates import MOST_KEYS, Rates, SlowDown

SECOND = 1_000_000_000


def test_one_client_at_one_address_is_slowed_down_and_others_are_not() -> None:
    """Covers: check 97."""
    rates = Rates(60)
    for _ in range(60):
        rates.take("app", "10.0.0.1", 0)
    with pytest.raises(SlowDown):
        rates.take("app", "10.0.0.1", 0)
    rates.take("app", "10.0.0.2", 0)
    rates.take("other", "10.0.0.1", 0)


def test_the_bucket_fills_evenly() -> None:
    """Covers: check 97."""
    rates = Rates(60)
    for _ in range(60):
        rates.take("app", "a", 0)
    rates.take("app", "a", SECOND)
    with pytest.raises(SlowDown):
        rates.take("app", "a", SECOND)


def test_memory_is_bounded() -> None:
    """Covers: check 97."""
    rates = Rates(60)
    for number in range(MOST_KEYS + 10):
        rates.take(str(number), "a", 0)
    assert len(rates._buckets) == MOST_KEYS
