"""How counts and lists are read, wherever we speak."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: int, one: str, many: str) -> str:
    """`1 field`, `1,234 fields`; the space keeps a number with its unit."""
    return f"{number:,}\N{NO-BREAK SPACE}{one if number == 1 else many}"


def lowered(text: str) -> str:
    """As it stands within a sentence: its first letter small."""
    return text[:1].lower() + text[1:]
