"""What every contract suite is given and uses: how a unit is run, and what it failed with."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

Run = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
"""Runs one unit in a transaction of its own, and gives its answer or raises its error."""
Row = TypeVar("Row")


def each(act: Callable[[Any, Row], Awaitable[Any]], rows: Iterable[Row]) -> Callable[[Any], Awaitable[list[Any]]]:
    """One unit that does this with every row, in order; its answers."""

    async def unit(tx: Any) -> list[Any]:
        return [await act(tx, row) for row in rows]

    return unit


async def error_of(running: Awaitable[Any]) -> Exception | None:
    """What it raised; None if it did not. Whoever implements a suite brings pytest, this package does not."""
    try:
        await running
    except Exception as error:
        return error
    return None
