"""What waits for the sequencer, and how its answer gets back to the event loop that asked."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from grantline.model.errors import AuditUnavailable
from grantline.model.events import Accepted, Submission

T = TypeVar("T")


class Waiting:
    """A submission and where its answer goes."""

    __slots__ = ("future", "loop", "outcome", "submission")

    def __init__(self, submission: Submission, loop: asyncio.AbstractEventLoop) -> None:
        self.submission = submission
        self.loop = loop
        self.future: asyncio.Future[Accepted] = loop.create_future()
        self.outcome: Accepted | Exception = AuditUnavailable("The ledger cannot be written right now.")


class Chore(Generic[T]):
    """Work on the stores between two groups, and where its answer goes."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.future: asyncio.Future[T] = loop.create_future()

    def run(self) -> None:
        """Do it; what it raises is its caller's."""
        try:
            answer = self.work()
        except Exception as error:
            self.loop.call_soon_threadsafe(_settle, self.future, None, error)
        else:
            self.loop.call_soon_threadsafe(_settle, self.future, answer, None)


class Over:
    """Nothing comes after this."""


OVER = Over()


def _settle(future: asyncio.Future[Any], answer: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)


def answer(group: list[Waiting]) -> None:
    """Hand outcomes back, one wake-up for each loop."""
    for loop in {waiting.loop for waiting in group}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, [waiting for waiting in group if waiting.loop is loop])


def _resolve(group: list[Waiting]) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        if isinstance(waiting.outcome, Accepted):
            waiting.future.set_result(waiting.outcome)
        else:
            waiting.future.set_exception(waiting.outcome)
