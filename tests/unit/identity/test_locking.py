"""A locked person: nobody gets in, by no way, and what stood on their sign-ins ends."""

import secrets

import pytest

from grantline.identity import PersonRow, Session, Visit, Wrong, declare, lock, unlock
from grantline.model.errors import NotFound
from grantline.model.events import EventType
from tests.unit.identity.conftest import PASSWORD, World

HERE = Visit("127.0.0.1")


async def declared(world: World) -> PersonRow:
    """The holder, as the store has them now."""
    await declare(world.database, world.hashing, world.declaration(), world.clock)
    found = await world.database.read(lambda tx: tx.people.by_username("holder"))
    assert found is not None
    return found


async def locked(world: World) -> PersonRow:
    """The same, locked."""
    person = await declared(world)
    assert await world.database.write(lambda tx: lock(tx, person, world.clock, secrets.token_bytes)) is True
    return await declared(world)


async def test_locking_ends_every_session_and_no_sign_in_begins_another(world: World) -> None:
    """The page says no more than for a wrong password."""
    await declared(world)
    before = await world.sign_in.password("holder", PASSWORD, HERE)
    assert isinstance(before, Session)
    person = await locked(world)
    assert await world.sessions.current(before.secret) is None
    assert await world.sign_in.password("holder", PASSWORD, HERE) == Wrong()
    assert await world.database.write(lambda tx: lock(tx, person, world.clock, secrets.token_bytes)) is False
    told = [(event.type, event.rsn) for event in await world.events()][-2:]
    assert told == [(EventType.PERSON_LOCKED, None), (EventType.SIGN_IN_FAILED, "locked")]


async def test_a_declaration_and_a_link_do_not_unlock(world: World) -> None:
    person = await locked(world)
    assert person.locked_at == world.clock.seconds
    link = await world.enrolment.link_for(person.id)
    with pytest.raises(NotFound):
        await world.enrolment.complete(link, "holder", "another long password")
    assert await world.sign_in.password("holder", PASSWORD, HERE) == Wrong()


async def test_unlocking_lets_the_person_in_again(world: World) -> None:
    person = await locked(world)
    assert await world.database.write(lambda tx: unlock(tx, person, world.clock, secrets.token_bytes)) is True
    person = await declared(world)
    assert await world.database.write(lambda tx: unlock(tx, person, world.clock, secrets.token_bytes)) is False
    assert isinstance(await world.sign_in.password("holder", PASSWORD, HERE), Session)
