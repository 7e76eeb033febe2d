"""A breaking run: a sequence of steps, what it must not lead to, and the rule without which it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.feed_world import Rules

Play = Callable[[Rules], Awaitable[bool]]
"""Plays the run under these rules; True if what must not happen happened."""


@dataclass(frozen=True)
class Run:
    """`without`: the rules with one taken away. `design`: which lines of the design it replays."""

    name: str
    design: str
    play: Play
    without: Callable[[], Rules]

    def __str__(self) -> str:
        return self.name
