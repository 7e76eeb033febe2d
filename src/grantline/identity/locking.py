"""A person who may not come in: nobody signs in as them, and what stood on their sign-ins ends. Consents stay."""

from dataclasses import replace

from grantline.identity.passwords import AlsoEnds
from grantline.identity.store import PersonRow, Transaction
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, Randomness, event_id


async def lock(
    tx: Transaction, person: PersonRow, clock: Clock, randomness: Randomness, *, also_ends: AlsoEnds | None = None
) -> bool:
    """Lock the person and end every session; False if they were locked before. `also_ends`: what ends besides."""
    if person.locked_at is not None:
        return False
    now = clock.wall_us() // 1_000_000
    await tx.people.put(replace(person, locked_at=now))
    ended: dict[str, object] = {
        "sessions": await tx.sessions.end_all(person.id, now),
        "families": await also_ends(tx, person.id) if also_ends is not None else 0,
    }
    await tx.outbox.append(_told(EventType.PERSON_LOCKED, person.id, clock, randomness, ended))
    return True


async def unlock(tx: Transaction, person: PersonRow, clock: Clock, randomness: Randomness) -> bool:
    """Let the person in again; nothing that ended begins anew. False if they were not locked."""
    if person.locked_at is None:
        return False
    await tx.people.put(replace(person, locked_at=None))
    await tx.outbox.append(_told(EventType.PERSON_UNLOCKED, person.id, clock, randomness, {}))
    return True


def _told(kind: EventType, person: PersonId, clock: Clock, randomness: Randomness, detail: dict[str, object]) -> Event:
    now_us, act = clock.wall_us(), "lock" if kind is EventType.PERSON_LOCKED else "unlock"
    return Event(
        event_id=event_id(randomness, now_us), type=kind, t=now_us, act=act, res="person", out="permit",
        person=person, detail=detail,
    )  # fmt: skip
