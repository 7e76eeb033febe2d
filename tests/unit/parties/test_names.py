"""Names that could pass for others."""

import pytest

from grantline.parties import is_mixed


@pytest.mark.parametrize(
    "name",
    [
        "Ex\u0430mple",
        "\u0411ank",
        "P\u0430yPal",
        "Google\u03bf",
        "My \u0410pp-\u0441lient B\u0430nk",
        "\uff22ank",
        "\U0001d401ank",
        "\uff22\uff21\uff2e\uff2b",
    ],
)
def test_one_word_of_several_alphabets_is_known(name: str) -> None:
    """Covers: check 45."""
    assert is_mixed(name)


@pytest.mark.parametrize(
    "name",
    [
        "Example Bank", "Caf\u00e9 No. 1", "\u0411\u0430\u043d\u043a Online",
        "\u682a\u5f0f\u4f1a\u793e\u30d0\u30f3\u30af",
        "\u03a4\u03c1\u03ac\u03c0\u03b5\u03b6\u03b1", "\uc740\ud589", "3M", "Stra\u00dfe", "\u05d1\u05e0\u05e7",
    ],
)  # fmt: skip
def test_names_as_they_are_written_anywhere_are_not(name: str) -> None:
    """Covers: check 45."""
    assert not is_mixed(name)
