"""A second factor is passed by whoever has one: app codes and recovery codes, each once, slowly guessed."""

import asyncio

import pyotp
import pytest

from grantline.identity import NeedsSecond, PersonDeclaration, Session, TooMany, Visit, Wrong, declare
from grantline.identity.levels import MFA, PASSWORD
from grantline.model.errors import Conflict, InvalidConfiguration, LoginRequired, NotFound
from grantline.model.events import EventType
from tests.unit.identity.conftest import PASSWORD as RIGHT
from tests.unit.identity.conftest import World

HERE = Visit("10.0.0.1", "Firefox on Linux")


async def holder(world: World) -> Session:
    await declare(world.database, world.hashing, world.declaration(), world.clock)
    return await world.signed_in()


def code(world: World, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(world.clock.seconds + 30 * steps)


async def with_app(world: World) -> tuple[Session, str]:
    """The holder, whose app is in use; the session is from before."""
    session, adding = await holder(world), await world.signed_in()
    offer = await world.methods.offer_totp(adding, "Example Bank")
    assert isinstance(await world.methods.add_totp(adding, offer.handle, code(world, offer.secret), HERE), Session)
    world.clock.seconds += 30
    return session, offer.secret


async def test_whoever_takes_an_app_into_use_has_shown_it_and_goes_on_in_two_steps(world: World) -> None:
    """Covers: check 35. Under another secret; the session of one factor ends."""
    session = await holder(world)
    offer = await world.methods.offer_totp(session, "Example Bank")
    raised = await world.methods.add_totp(session, offer.handle, code(world, offer.secret), HERE)
    assert isinstance(raised, Session)
    assert (raised.acr, raised.amr) == (MFA, ("pwd", "otp", "mfa"))
    assert await world.sessions.current(session.secret) is None
    assert await world.sessions.current(raised.secret) is not None
    assert len(await world.methods.new_recovery_codes(raised)) == 10


async def first_step(world: World, **visit: str) -> str:
    outcome = await world.sign_in.password("holder", RIGHT, Visit("10.0.0.1", **visit))
    assert isinstance(outcome, NeedsSecond), outcome
    return outcome.secret


async def both_steps(world: World, secret: str) -> Session:
    outcome = await world.sign_in.code(await first_step(world), code(world, secret), HERE)
    assert isinstance(outcome, Session), outcome
    return outcome


async def test_the_password_alone_opens_nothing_once_there_is_an_app(world: World) -> None:
    """Covers: check 56."""
    _, secret = await with_app(world)
    step = await first_step(world)
    assert await world.sessions.current(step) is None
    session = await world.sign_in.code(step, code(world, secret), HERE)
    assert isinstance(session, Session)
    current = await world.sessions.current(session.secret)
    assert current is not None
    assert (current.acr, current.amr, session.secret != step) == (MFA, ("pwd", "otp", "mfa"), True)
    assert await world.sign_in.code(step, code(world, secret, 1), HERE) is None


async def test_a_code_signs_in_once_also_within_its_half_minute(world: World) -> None:
    _, secret = await with_app(world)
    spent = code(world, secret)
    assert isinstance(await world.sign_in.code(await first_step(world), spent, HERE), Session)
    again = await first_step(world)
    assert await world.sign_in.code(again, spent, HERE) == Wrong()
    assert await world.sign_in.code(again, code(world, secret, -1), HERE) == Wrong()
    assert isinstance(await world.sign_in.code(again, code(world, secret, 1), HERE), Session)


async def test_the_code_that_turned_the_app_on_signs_nobody_in(world: World) -> None:
    _, secret = await with_app(world)
    assert await world.sign_in.code(await first_step(world), code(world, secret, -1), HERE) == Wrong()


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "0" * 40])
async def test_what_is_no_code_is_wrong_and_nothing_else(world: World, typed: str) -> None:
    await with_app(world)
    assert await world.sign_in.code(await first_step(world), typed, HERE) == Wrong()


async def test_codes_are_guessed_slowly_whoever_knows_the_password(world: World) -> None:
    """Covers: check 53. Signing in with the password anew gives no new tries."""
    _, secret = await with_app(world)
    for attempt in range(5):
        step = await first_step(world)
        assert await world.sign_in.code(step, "000000", Visit(f"10.1.0.{attempt}")) == Wrong()
    step = await first_step(world)
    assert await world.sign_in.code(step, code(world, secret), Visit("10.1.0.99")) == TooMany(1)
    world.clock.seconds += 1
    assert isinstance(await world.sign_in.code(step, code(world, secret), Visit("10.1.0.99")), Session)


async def test_a_half_sign_in_is_over_after_ten_minutes(world: World) -> None:
    _, secret = await with_app(world)
    step = await first_step(world)
    world.clock.seconds += 599
    assert await world.sign_in.waiting(step) is not None
    world.clock.seconds += 1
    assert await world.sign_in.waiting(step) is None
    assert await world.sign_in.code(step, code(world, secret), HERE) is None


async def test_one_thing_begun_is_not_taken_for_another(world: World) -> None:
    """Covers: check 124."""
    session = await holder(world)
    offer = await world.methods.offer_totp(session, "Example Bank")
    assert await world.sign_in.waiting(offer.handle) is None
    assert await world.sign_in.code(offer.handle, code(world, offer.secret), HERE) is None
    assert await world.passkeys.sign_in(offer.handle, "{}", "browser", HERE) is None


async def test_a_fresh_password_session_is_raised_by_the_second_step_alone(world: World) -> None:
    """Covers: check 57. Another session, with a new time and level; the old one ends."""
    before, secret = await with_app(world)
    assert (before.acr, await world.sign_in.may_go_on(before)) == (PASSWORD, True)
    begun = await world.sign_in.again(before)
    assert begun is not None
    world.clock.seconds += 5
    raised = await world.sign_in.code(begun.secret, code(world, secret), Visit("10.0.0.1", replaced=before.secret))
    assert isinstance(raised, Session)
    assert (raised.acr, raised.auth_time - before.auth_time) == (MFA, 35)
    assert raised.csrf != before.csrf
    assert await world.sessions.current(before.secret) is None


async def test_an_old_password_is_typed_again_before_the_second_step(world: World) -> None:
    before, _ = await with_app(world)
    world.clock.seconds += 300
    assert not await world.sign_in.may_go_on(before)
    assert await world.sign_in.again(before) is None


async def test_who_resets_the_password_by_link_still_passes_the_second_step(world: World) -> None:
    """Covers: check 56. A mailbox or a helpful operator is one factor."""
    session, secret = await with_app(world)
    link = await world.enrolment.link_for(session.person)
    outcome = await world.enrolment.complete(link, "", "another password", HERE)
    assert isinstance(outcome, NeedsSecond)
    assert isinstance(await world.sign_in.code(outcome.secret, code(world, secret), HERE), Session)


async def test_a_reset_link_works_once_and_for_its_person_alone(world: World) -> None:
    """Covers: check 55."""
    session = await holder(world)
    other = PersonDeclaration(username="other", name="Other", password=RIGHT)
    await declare(world.database, world.hashing, other, world.clock)
    link = await world.enrolment.link_for(session.person)
    renewed = await world.enrolment.complete(link, "other", "another password", HERE)
    assert isinstance(renewed, Session)
    assert renewed.username == "holder"
    assert await world.sessions.current(session.secret) is None
    assert isinstance(await world.sign_in.password("other", RIGHT, HERE), Session)
    assert await world.sign_in.password("holder", RIGHT, HERE) == Wrong()
    with pytest.raises(NotFound):
        await world.enrolment.complete(link, "", "a third password", HERE)


async def test_recovery_codes_work_once_each_after_the_password(world: World) -> None:
    _, secret = await with_app(world)
    session = await both_steps(world, secret)
    codes = await world.methods.new_recovery_codes(session)
    assert (len(codes), len(set(codes))) == (10, 10)
    typed = codes[3].lower().replace("-", " ")
    used = await world.sign_in.code(await first_step(world), typed, HERE)
    assert isinstance(used, Session)
    assert used.acr == MFA
    assert (await world.methods.of(session.person)).recovery == 9
    assert await world.sign_in.code(await first_step(world), codes[3], HERE) == Wrong()


async def test_new_recovery_codes_replace_the_old_ones(world: World) -> None:
    _, secret = await with_app(world)
    session = await both_steps(world, secret)
    old = await world.methods.new_recovery_codes(session)
    new = await world.methods.new_recovery_codes(session)
    step = await first_step(world)
    assert await world.sign_in.code(step, old[0], HERE) == Wrong()
    assert isinstance(await world.sign_in.code(step, new[0], HERE), Session)


async def test_without_a_second_factor_there_are_no_recovery_codes(world: World) -> None:
    """They stand for one; and they go with the last one."""
    session = await holder(world)
    with pytest.raises(Conflict):
        await world.methods.new_recovery_codes(session)
    offer = await world.methods.offer_totp(session, "Example Bank")
    assert isinstance(await world.methods.add_totp(session, offer.handle, code(world, offer.secret), HERE), Session)
    world.clock.seconds += 30
    session = await both_steps(world, offer.secret)
    await world.methods.new_recovery_codes(session)
    await world.methods.remove_totp(session)
    assert (await world.methods.of(session.person)).recovery is None
    assert isinstance(await world.sign_in.password("holder", RIGHT, HERE), Session)


async def test_changing_how_one_signs_in_takes_a_recent_sign_in_in_two_steps(world: World) -> None:
    before, secret = await with_app(world)
    with pytest.raises(LoginRequired):
        await world.methods.remove_totp(before)
    session = await both_steps(world, secret)
    world.clock.seconds += 601
    for change in (
        world.methods.remove_totp(session), world.methods.new_recovery_codes(session),
        world.methods.change_password(session, RIGHT, "another password", HERE),
        world.methods.remove_passkey(session, "x"), world.methods.remove_link(session, "x"),
        world.methods.offer_totp(session, "Example Bank"),
    ):  # fmt: skip
        with pytest.raises(LoginRequired):
            await change


async def test_the_password_is_changed_by_who_knows_it_and_ends_every_other_session(world: World) -> None:
    session = await holder(world)
    elsewhere = await world.signed_in()
    assert await world.methods.change_password(session, "wrong password!", "another password", HERE) == Wrong()
    changed = await world.methods.change_password(session, RIGHT, "another password", HERE)
    assert isinstance(changed, Session)
    assert await world.sessions.current(changed.secret) is not None
    assert await world.sessions.current(session.secret) is None
    assert await world.sessions.current(elsewhere.secret) is None
    assert await world.sign_in.password("holder", RIGHT, HERE) == Wrong()
    assert isinstance(await world.sign_in.password("holder", "another password", HERE), Session)


async def test_the_current_password_is_guessed_slowly_too(world: World) -> None:
    """Covers: check 53. Somebody at an open browser is no better off than at the sign-in."""
    session = await holder(world)
    for attempt in range(5):
        outcome = await world.methods.change_password(session, "wrong", "another password", Visit(f"10.2.0.{attempt}"))
        assert outcome == Wrong()
    assert await world.methods.change_password(session, RIGHT, "another password", HERE) == TooMany(1)
    assert await world.sign_in.password("holder", RIGHT, Visit("10.2.0.99")) == TooMany(1)


async def test_the_current_password_cannot_be_guessed_many_at_a_time(world: World) -> None:
    """Covers: check 53."""
    session = await holder(world)
    given = [*(f"wrong password {number}" for number in range(9)), RIGHT]
    outcomes = await asyncio.gather(
        *(world.methods.change_password(session, one, "another password", Visit("10.2.0.1")) for one in given)
    )
    assert sum(one == Wrong() for one in outcomes) == 5
    assert outcomes[-1] == TooMany(1)


async def test_a_copy_of_the_database_holds_neither_secret_nor_codes(world: World) -> None:
    _, secret = await with_app(world)
    session = await both_steps(world, secret)
    codes = await world.methods.new_recovery_codes(session)
    stored = b"".join(file.read_bytes() for file in world.path.parent.glob("state.db*"))
    assert b"holder" in stored
    assert secret.encode() not in stored
    assert not [one for one in codes if one.encode() in stored or one.replace("-", "").encode() in stored]
    row = await world.database.read(lambda tx: tx.totps.of(session.person))
    assert row is not None
    with pytest.raises(InvalidConfiguration):
        world.at_rest.unseal_totp("p_other", row.sealed)  # type: ignore[arg-type]


async def test_every_change_is_recorded_by_its_kind_and_nothing_personal(world: World) -> None:
    _, secret = await with_app(world)
    session = await both_steps(world, secret)
    codes = await world.methods.new_recovery_codes(session)
    assert isinstance(await world.sign_in.code(await first_step(world), codes[0], HERE), Session)
    await world.methods.remove_totp(session)
    told = [(event.type.value, event.detail) for event in await world.events() if event.type.startswith("signin.")]
    assert told == [
        ("signin.method_added@1", {"method": "totp", "by": "person"}),
        ("signin.method_added@1", {"method": "recovery", "by": "person"}),
        ("signin.method_used_up@1", {"left": 9}),
        ("signin.method_removed@1", {"method": "totp", "by": "person"}),
        ("signin.method_removed@1", {"method": "recovery", "by": "person"}),
    ]
    signed = [event for event in await world.events() if event.type is EventType.SIGN_IN]
    assert signed[-1].detail == {"acr": MFA, "amr": ["pwd", "otp", "mfa"]}


async def test_sessions_are_listed_and_ended_by_their_person_alone(world: World) -> None:
    """Covers: check 58."""
    first = await holder(world)
    world.clock.seconds += 10
    second = await world.signed_in(agent="Firefox on Linux")
    other = PersonDeclaration(username="other", name="Other", password=RIGHT)
    await declare(world.database, world.hashing, other, world.clock)
    stranger = await world.sign_in.password("other", RIGHT, HERE)
    assert isinstance(stranger, Session)
    listed = await world.sessions.of(first.person)
    assert [(one.id, one.agent) for one in listed] == [(second.id, "Firefox on Linux"), (first.id, "")]
    assert first.secret not in repr(listed)
    assert not await world.sessions.end_one(first.person, stranger.id)
    assert await world.sessions.current(stranger.secret) is not None
    assert await world.sessions.end_one(first.person, second.id)
    assert await world.sessions.current(second.secret) is None
    third = await world.signed_in()
    assert await world.sessions.end_others(third) == 1
    assert [one.id for one in await world.sessions.of(first.person)] == [third.id]
    world.clock.seconds += 1_800
    assert await world.sessions.of(first.person) == ()
