"""Names that could pass for others: letters of several scripts in one word (Unicode UTS #39 §5.2; check 45)."""

import unicodedata
from itertools import groupby

_TOGETHER = (frozenset({"CJK", "HIRAGANA", "KATAKANA", "LATIN"}), frozenset({"CJK", "HANGUL", "LATIN"}),
             frozenset({"CJK", "BOPOMOFO", "LATIN"}))  # fmt: skip
"""Scripts that are written in one word, as in Japanese, Korean and Chinese."""
_OF_ANY = frozenset({"MODIFIER", "FULLWIDTH", "HALFWIDTH", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT"})
"""Latin letters in disguise: no name needs them."""


def is_mixed(name: str) -> bool:
    """True if one word of the name has letters of scripts that are not written together, or letters in disguise."""
    words = ("".join(part) for letters, part in groupby(name, str.isalpha) if letters)
    return any(_is_mixed_word(word) for word in words)


def _is_mixed_word(word: str) -> bool:
    scripts = {_script(letter) for letter in word}
    if scripts & _OF_ANY:
        return True
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


def _script(letter: str) -> str:
    """The first word of the letter's name is its script, for all that have names of letters."""
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
