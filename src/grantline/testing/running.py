"""What every contract suite is given and uses: how a unit is run, and what it failed with."""

from collections.abc import Awaitable, Callable
from typing import Any

Run = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
"""Runs one unit in a transaction of its own, and gives its answer or raises its error."""


async def error_of(running: Awaitable[Any]) -> Exception | None:
    """What it raised; None if it did not. Whoever implements a suite brings pytest, this package does not."""
    try:
        await running
    except Exception as error:
        return error
    return None
