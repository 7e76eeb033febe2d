"""People as operators declare them: idempotent, and never a way to read or weaken a password."""

import secrets

import msgspec

from grantline.identity.methods.password import Hashing
from grantline.identity.passwords import AlsoEnds, end_with_password
from grantline.identity.store import PersonRow, Transaction
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.ids import ApiId, PersonId, Randomness, event_id, opaque
from grantline.model.ports import Work


class PersonDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[people]]` table. `resource_names`: the person's name at each API of the catalog.

    `password`: read by the caller from the file or variable that the declaration names; None leaves it as it is.
    """

    username: str
    name: str
    email: str | None = None
    roles: tuple[str, ...] = ()
    resource_names: dict[ApiId, str] = {}
    password: str | None = None


async def declare(
    work: Work[Transaction],
    hashing: Hashing,
    declaration: PersonDeclaration,
    clock: Clock,
    randomness: Randomness = secrets.token_bytes,
    *,
    also_ends: AlsoEnds | None = None,
) -> tuple[PersonRow, bool]:
    """Make the person what the declaration says; returns the person and whether anything changed.

    `also_ends`: what ends with an old password besides sessions.
    """
    username = declaration.username.strip().casefold()
    before = await work.read(lambda tx: tx.people.by_username(username))
    encoded = before.password if before else None
    if declaration.password is not None and not await hashing.matches(encoded, declaration.password):
        encoded = await hashing.hash(declaration.password)
    person = PersonRow(
        before.id if before else PersonId(opaque("p", randomness)), username, declaration.name, declaration.email,
        declaration.roles, dict(declaration.resource_names), encoded, before.locked_at if before else None,
    )  # fmt: skip
    if person == before:
        return person, False

    async def unit(tx: Transaction) -> None:
        await tx.people.put(person)
        now_us = clock.wall_us()
        if before is not None and before.password not in {None, encoded}:
            await end_with_password(tx, person.id, clock, randomness, also_ends)
        await tx.outbox.append(
            Event(
                event_id=event_id(randomness, now_us),
                type=EventType.PERSON_ENROLLED,
                t=now_us,
                act="declare",
                res="person",
                out="permit",
                person=person.id,
                detail={"username": username, "changed": before is not None},
            )
        )

    await work.write(unit)
    return person, True
