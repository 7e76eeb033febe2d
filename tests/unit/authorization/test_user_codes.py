"""Codes of devices: how they are made, shown and read."""

import math

import pytest

from grantline.authorization import user_codes
from grantline.identity.throttle import FORGET_AFTER, FREE_ATTEMPTS
from tests.authorization_world import Counted

LIFETIME = 600


def test_every_letter_is_as_likely_as_any_other() -> None:
    """No remainder favours the first letters; none is a vowel or a sign that looks like another (RFC 8628 §6.1)."""
    assert not set(user_codes.ALPHABET) & set("AEIOU0123456789Y")
    every = bytes(range(256))
    letters = ""
    for at in range(0, 256, user_codes.LENGTH):
        given = iter([every[at : at + user_codes.LENGTH], bytes(user_codes.LENGTH)])
        code = user_codes.new(lambda _size, given=given: next(given))
        letters += code[: sum(byte < 240 for byte in every[at : at + user_codes.LENGTH])]
    assert {letter: letters.count(letter) for letter in user_codes.ALPHABET} == dict.fromkeys(user_codes.ALPHABET, 12)


def test_what_is_left_after_the_throttle_is_more_than_twenty_bits() -> None:
    """Free tries, then one after 1, 2, 4, … seconds, for as long as a code lives: RFC 8628 §5.1."""
    slowed = int(math.log2(LIFETIME)) + 1
    assert FORGET_AFTER > LIFETIME
    bits = user_codes.LENGTH * math.log2(len(user_codes.ALPHABET)) - math.log2(FREE_ATTEMPTS + slowed)
    assert bits > 30


@pytest.mark.parametrize("typed", ["bcdf-ghjk", "BCDFGHJK", "b c d f g h j k", "BCDF.GHJK\u00a0", "bCdF--gHjK"])
def test_case_dashes_and_spaces_do_not_matter(typed: str) -> None:
    assert user_codes.read(typed) == "BCDFGHJK"


@pytest.mark.parametrize(
    "typed", ["", "BCDF", "BCDFGHJKL", "BCDFGHJA", "BCDFGHJ1", "ßCDFGHJ", "BCDFGHJK" + "-" * 60, "ＢＣＤＦＧＨＪＫ"]
)
def test_nothing_else_is_a_code(typed: str) -> None:
    assert user_codes.read(typed) is None


def test_a_code_is_read_as_it_was_shown() -> None:
    randomness = Counted()
    for _ in range(50):
        code = user_codes.new(randomness)
        assert (len(code), user_codes.read(user_codes.shown(code))) == (8, code)
