"""What a new password ends: every session of the person, and whatever other parts keep that stands on the old one."""

from collections.abc import Awaitable, Callable
from typing import Any

from grantline.identity.store import Transaction
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, Randomness, event_id

AlsoEnds = Callable[[Any, PersonId], Awaitable[int]]
"""What another part ends with the password, in the same transaction; how many."""


async def end_with_password(
    tx: Transaction, person: PersonId, clock: Clock, randomness: Randomness, also: AlsoEnds | None
) -> None:
    """Somebody who knew the old password may be signed in: every session ends, with its event (check 89).

    So does every link by which another one could be set.

    Call it in the unit that keeps the new password, before a new session begins. Consents stay: the person gave them.
    """
    now_us = clock.wall_us()
    sessions = await tx.sessions.end_all(person, now_us // 1_000_000)
    await tx.enrolments.end_all(person, now_us // 1_000_000)
    families = await also(tx, person) if also is not None else 0
    await tx.outbox.append(
        Event(
            event_id=event_id(randomness, now_us),
            type=EventType.PASSWORD_CHANGED,
            t=now_us,
            act="change",
            res="password",
            out="permit",
            person=person,
            detail={"sessions": sessions, "families": families},
        )
    )
