"""Sign-in with a password: uniform, throttled, and never the same session twice."""

import asyncio
import sqlite3

import pytest

from grantline.identity import PersonDeclaration, Session, TooMany, Visit, Wrong, declare
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from tests.unit.identity.conftest import PASSWORD, World


async def holder(world: World) -> None:
    await declare(world.database, world.hashing, world.declaration(), world.clock)


async def test_the_right_password_signs_in_and_an_earlier_session_of_the_browser_ends(world: World) -> None:
    """Covers: check 35."""
    await holder(world)
    first = await world.sign_in.password("Holder", PASSWORD, Visit("127.0.0.1"))
    assert isinstance(first, Session)
    second = await world.sign_in.password("holder", PASSWORD, Visit("127.0.0.1", replaced=first.secret))
    assert isinstance(second, Session)
    assert second.secret != first.secret
    assert await world.sessions.current(first.secret) is None
    current = await world.sessions.current(second.secret)
    assert current is not None
    assert (current.username, current.amr, current.auth_time) == ("holder", ("pwd",), world.clock.seconds)


async def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(world: World) -> None:
    """Covers: check 54."""
    await holder(world)
    assert await world.sign_in.password("holder", "wrong password!", Visit("127.0.0.1")) == Wrong()
    assert await world.sign_in.password("nobody", "wrong password!", Visit("127.0.0.1")) == Wrong()


async def test_a_person_without_a_password_cannot_sign_in_with_any(world: World) -> None:
    await declare(world.database, world.hashing, world.declaration(password=None), world.clock)
    assert await world.sign_in.password("holder", "", Visit("127.0.0.1")) == Wrong()


async def test_guessing_is_slowed_per_account_also_for_the_right_password(world: World) -> None:
    """Covers: check 53."""
    await holder(world)
    for attempt in range(5):
        assert await world.sign_in.password("holder", "wrong password!", Visit(f"10.0.0.{attempt}")) == Wrong()
    assert await world.sign_in.password("holder", PASSWORD, Visit("10.0.0.99")) == TooMany(1)
    world.clock.seconds += 1
    assert isinstance(await world.sign_in.password("holder", PASSWORD, Visit("10.0.0.99")), Session)


async def test_guesses_made_at_the_same_moment_are_no_more_than_those_made_in_a_row(world: World) -> None:
    """Covers: check 53 (no window between looking at the count and counting)."""
    await holder(world)
    given = [*(f"wrong password {number}" for number in range(12)), PASSWORD]
    outcomes = await asyncio.gather(
        *(world.sign_in.password("holder", one, Visit(f"10.0.0.{number}")) for number, one in enumerate(given))
    )
    assert sum(one == Wrong() for one in outcomes) == 5
    assert outcomes[-1] == TooMany(1)


async def test_guessing_is_slowed_per_address_also_for_names_that_do_not_exist(world: World) -> None:
    """Covers: check 53."""
    for attempt in range(5):
        assert await world.sign_in.password(f"name-{attempt}", "wrong password!", Visit("10.0.0.1")) == Wrong()
    assert await world.sign_in.password("another", "wrong password!", Visit("10.0.0.1")) == TooMany(1)
    assert await world.sign_in.password("another", "wrong password!", Visit("10.0.0.2")) == Wrong()


async def test_a_session_ends_when_idle_when_old_and_when_signed_out(world: World) -> None:
    await holder(world)
    idle = await world.sign_in.password("holder", PASSWORD, Visit("a"))
    assert isinstance(idle, Session)
    world.clock.seconds += 1_801
    assert await world.sessions.current(idle.secret) is None

    busy = await world.sign_in.password("holder", PASSWORD, Visit("a"))
    assert isinstance(busy, Session)
    for _ in range(24):
        assert await world.sessions.current(busy.secret) is not None
        world.clock.seconds += 1_799
    assert await world.sessions.current(busy.secret) is not None
    world.clock.seconds += 43_200 - 24 * 1_799
    assert await world.sessions.current(busy.secret) is None

    left = await world.sign_in.password("holder", PASSWORD, Visit("a"))
    assert isinstance(left, Session)
    await world.sessions.end(left)
    assert await world.sessions.current(left.secret) is None


async def test_neither_passwords_nor_session_secrets_nor_link_tokens_are_stored(world: World) -> None:
    await holder(world)
    session = await world.sign_in.password("holder", PASSWORD, Visit("a"))
    assert isinstance(session, Session)
    token = await world.enrolment.link_for(session.person)
    stored = "\n".join(sqlite3.connect(world.path).iterdump())
    assert session.id in stored
    for secret in (PASSWORD, session.secret, token):
        assert secret not in stored
    assert session.secret not in repr(session)


async def test_an_empty_store_gives_one_link_that_works_once_and_for_half_an_hour(world: World) -> None:
    """Covers: check 55."""
    token = await world.enrolment.first_operator()
    assert token is not None
    with pytest.raises(InvalidRequest, match="12 to 256"):
        await world.enrolment.complete(token, "operator", "short")
    session = await world.enrolment.complete(token, "operator", PASSWORD)
    assert session.username == "operator"
    with pytest.raises(NotFound):
        await world.enrolment.complete(token, "intruder", PASSWORD)
    assert await world.enrolment.first_operator() is None

    late = await world.enrolment.link_for(session.person)
    world.clock.seconds += 1_800
    with pytest.raises(NotFound):
        await world.enrolment.complete(late, "operator", PASSWORD)


async def test_one_link_that_was_used_ends_the_others(world: World) -> None:
    """Covers: check 55 (whoever asked for two, or was sent one before)."""
    await holder(world)
    session = await world.signed_in()
    earlier, used, unused = [await world.enrolment.link_for(session.person) for _ in range(3)]
    await world.enrolment.complete(used, "holder", "another long password")
    with pytest.raises(NotFound):
        await world.enrolment.complete(earlier, "holder", "one more long password")
    with pytest.raises(NotFound):
        await world.enrolment.waiting(unused)


async def test_a_changed_password_ends_links_that_would_change_it_again(world: World) -> None:
    """Covers: check 55, 89."""
    await holder(world)
    session = await world.signed_in()
    link = await world.enrolment.link_for(session.person)
    await world.methods.change_password(session, PASSWORD, "another long password", Visit("10.0.0.1"))
    with pytest.raises(NotFound):
        await world.enrolment.waiting(link)


async def test_the_first_operator_is_made_once_however_many_links_there_were(world: World) -> None:
    """Covers: check 55."""
    first, second = await world.enrolment.first_operator(), await world.enrolment.first_operator()
    assert first is not None
    assert second is not None
    await world.enrolment.complete(second, "operator", PASSWORD)
    with pytest.raises(NotFound):
        await world.enrolment.complete(first, "intruder", PASSWORD)


async def test_a_taken_name_leaves_the_first_link_usable(world: World) -> None:
    token = await world.enrolment.first_operator()
    assert token is not None
    await holder(world)
    with pytest.raises(Conflict):
        await world.enrolment.complete(token, "holder", PASSWORD)
    assert (await world.enrolment.complete(token, "operator", PASSWORD)).username == "operator"


async def test_declaring_a_person_again_changes_nothing_and_a_new_password_ends_sessions(world: World) -> None:
    """Covers: check 89."""
    declaration: PersonDeclaration = world.declaration(resource_names={"bank": "owner-1"})
    _, changed = await declare(world.database, world.hashing, declaration, world.clock)
    assert changed
    _, changed = await declare(world.database, world.hashing, declaration, world.clock)
    assert not changed
    session = await world.sign_in.password("holder", PASSWORD, Visit("a"))
    assert isinstance(session, Session)
    _, changed = await declare(
        world.database, world.hashing, world.declaration(password="another long one"), world.clock
    )
    assert changed
    assert await world.sessions.current(session.secret) is None
