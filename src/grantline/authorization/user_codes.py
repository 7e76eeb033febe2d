"""Codes that people copy from one screen to another (RFC 8628 §6.1): of 20 letters, none of them a vowel.

Eight of them are 34 bits. Tries are throttled for each person and each address, to some 15 while one code lives: so a
guesser who tries as fast as we let them has less than one chance in 2^30 for each code that is out.
"""

from grantline.model.ids import Randomness

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
LONGEST_TYPED = 64
_EVEN = 256 - 256 % len(ALPHABET)
"""Bytes from here on would make the first letters likelier."""


def new(randomness: Randomness) -> str:
    """A code as it is kept: eight letters."""
    letters = ""
    while len(letters) < LENGTH:
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in randomness(LENGTH) if byte < _EVEN)
    return letters[:LENGTH]


def shown(code: str) -> str:
    """The same as people see it: `WDJB-MJHT`."""
    half = LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def read(typed: str) -> str | None:
    """What somebody typed, whatever its case, dashes, dots and spaces; None if no code looks so."""
    if len(typed) > LONGEST_TYPED:
        return None
    code = "".join(letter for letter in typed if letter.isalnum())
    # Other alphabets have letters whose capitals are two of ours.
    code = code.upper() if code.isascii() else ""
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None
