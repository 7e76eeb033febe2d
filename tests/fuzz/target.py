"""What a fuzz target is: a function that gives bytes to one parser and knows what may come of it.

It returns when the parser gave a value, or one of the errors that the parser names. Whatever else is raised, an
`AssertionError` of its own among them, is a fault. It is deterministic, writes nowhere and waits for nothing.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Run = Callable[[bytes], None]

TARGETS: dict[str, Run] = {}
"""Every target by its name, which is also the folder of its corpus. `tests.fuzz.table` fills it."""

CORPUS = Path(__file__).with_name("corpus")
refused = suppress
"""`with refused(Error):` – the errors that a parser may answer with."""


def target(run: Run) -> Run:
    """Enter a target under the name of its function."""
    assert run.__name__ not in TARGETS, f"two targets are named {run.__name__}"
    TARGETS[run.__name__] = run
    return run


def text(data: bytes) -> str:
    """Any bytes as the text of a header or an address: one letter for each byte, as servers read them."""
    return data.decode("latin-1")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("it waits for something")
