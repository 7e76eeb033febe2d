"""An event that ingest will never take must not hold up those behind it: it is set aside, a finding takes its place.

The finding has the refused event's number, so the producer's sequence keeps no hole, and it is the same each time it is
made, so that sending it again is as harmless as with any event.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from grantline.ledger.client import Missing
from grantline.model.errors import AuditUnavailable, Conflict, InvalidRequest
from grantline.model.events import Accepted, Event, EventType, Sequenced, Submission
from grantline.model.ids import event_id

Submit = Callable[[Submission], Awaitable[Accepted]]


class _Kept(msgspec.Struct, frozen=True):
    """One line of the file: the event as its producer told it, and why it was refused."""

    why: str
    event: Event


class SetAside:
    """Refused events of one producer, in a file with one JSON document a line. Nothing is ever removed from it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def instead_of(self, event: Event, why: str) -> Event:
        """Keep `event`, synced, and return the finding that goes in its place. Raises `AuditUnavailable`."""
        try:
            self._keep(msgspec.json.encode(_Kept(why, event)) + b"\n")
        except OSError as error:
            raise AuditUnavailable("A refused event could not be kept.", detail=str(error)) from error
        return _finding(event, why)

    def _keep(self, line: bytes) -> None:
        if self._path.exists() and line in self._path.read_bytes():
            return
        descriptor = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


async def submit_around(submit: Submit, submission: Submission, aside: SetAside) -> Accepted:
    """Bring all of it; what is refused for what it is goes aside. Raises what `submit` raises for any other cause."""
    try:
        return await submit(submission)
    except (InvalidRequest, Conflict) as refused:
        if isinstance(refused, Missing):
            raise
    accepted: Accepted | None = None
    for said in submission.events:
        accepted = await _submit_one(submit, submission.producer, said, aside)
    assert accepted is not None
    return accepted


async def _submit_one(submit: Submit, producer: str, said: Sequenced, aside: SetAside) -> Accepted:
    try:
        return await submit(Submission(producer=producer, events=(said,)))
    except (InvalidRequest, Conflict) as refused:
        if isinstance(refused, Missing):
            raise
        # A gateway's events are JSON already when they come here.
        whole = msgspec.json.decode(msgspec.json.encode(said), type=Sequenced)
        instead = msgspec.structs.replace(whole, event=aside.instead_of(whole.event, refused.message))
        return await submit(Submission(producer=producer, events=(instead,)))


def _finding(event: Event, why: str) -> Event:
    named = hashlib.sha256(b"set aside\0" + event.event_id.encode()).digest()
    return Event(
        event_id=event_id(lambda size: named[:size], event.t),
        type=EventType.FINDING,
        t=event.t,
        act="refuse",
        res="event",
        out="error",
        rsn="event_refused",
        detail={"event": event.event_id, "type": event.type, "why": why},
    )
