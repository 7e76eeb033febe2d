"""A beat is one claim of the story: it held or it did not, with what was seen."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Facts = dict[str, Any]


class Failed(Exception):
    """A claim did not hold. The message says what was seen instead."""


@dataclass(slots=True)
class Beat:
    """`facts`: what was seen, as JSON."""

    name: str
    held: bool = False
    facts: Facts = field(default_factory=dict)
    problem: str | None = None


class Beats:
    """All beats in order. After one that did not hold the rest is not tried: it would tell of another story."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.all: list[Beat] = []

    @property
    def held(self) -> bool:
        """True if every beat held."""
        return all(beat.held for beat in self.all)

    async def play(self, name: str, act: Callable[[], Awaitable[Facts]]) -> None:
        """Play one beat; raises `Failed` again after it was noted."""
        beat = Beat(name)
        self.all.append(beat)
        self._say(f"· {name}")
        try:
            beat.facts = await act()
        except Failed as failed:
            beat.problem = str(failed)
            self._say(f"  DID NOT HOLD: {failed}")
            raise
        beat.held = True
        for key, value in beat.facts.items():
            self._say(f"    {key}: {value}")


def expect(claim: bool, seen: str) -> None:
    """Raise `Failed` with what was seen unless the claim holds."""
    if not claim:
        raise Failed(seen)
