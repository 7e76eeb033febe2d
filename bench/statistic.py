"""Percentiles, the one way all benches take them."""

from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank: the smallest of the values that at least `percent` of 100 do not exceed."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def median(values: Sequence[float]) -> float:
    """The middle one; the lower of two."""
    return percentile(values, 50)
