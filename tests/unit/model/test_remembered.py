"""What was made once from frozen values is not made again, and never mistaken."""

import pytest

from grantline.model.remembered import Remembered


def test_the_very_same_values_get_what_was_made_of_them() -> None:
    """Equal values are not the same values; each has its own."""
    remembered, one, equal = Remembered[list[int]](8), [1], [1]
    made = remembered.of(one, make=lambda: list(one))
    assert remembered.of(one, make=lambda: list(one)) is made
    assert remembered.of(equal, make=lambda: list(equal)) is not made


def test_an_identity_is_not_used_again_while_its_result_is_kept() -> None:
    """A value that everybody else forgot stays alive beside its result, so a new one is never taken for it."""
    remembered = Remembered[str](64)
    for number in range(64):
        assert remembered.of([number], make=lambda number=number: str(number)) == str(number)  # type: ignore[misc]


def test_no_more_is_kept_than_was_allowed() -> None:
    """The oldest goes first."""
    remembered, sources, made = Remembered[None](2), [[0], [1], [2]], list[int]()
    for at in (0, 1, 2, 2, 1, 0):
        remembered.of(sources[at], make=lambda at=at: made.append(at))  # type: ignore[misc]
    assert made == [0, 1, 2, 0]


def test_a_failure_is_not_remembered() -> None:
    """The next try makes it anew."""
    remembered, source = Remembered[int](2), [0]

    def fail() -> int:
        raise ValueError("not yet")

    with pytest.raises(ValueError, match="not yet"):
        remembered.of(source, make=fail)
    assert remembered.of(source, make=lambda: 7) == 7
