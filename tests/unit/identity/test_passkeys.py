"""Passkeys: made by the person, used as the only factor or as the second one, and refused for anything that is off."""

import json
from collections.abc import Callable

import pytest

from grantline.identity import NeedsSecond, PersonDeclaration, Session, TooMany, Visit, Wrong, declare
from grantline.identity.levels import PASSKEY
from grantline.model.errors import Conflict, InvalidRequest, LoginRequired
from grantline.model.events import EventType
from tests.unit.identity.authenticator import PRESENT, Authenticator, b64
from tests.unit.identity.conftest import PASSWORD, World

HERE = Visit("10.0.0.1", "Firefox on Linux")
BROWSER = "a browser of its own"


async def holder(world: World, device: Authenticator) -> Session:
    """The holder, with a passkey on this device; the session is from before."""
    await declare(world.database, world.hashing, world.declaration(), world.clock)
    session = await world.signed_in()
    await add(world, session, device)
    return session


async def add(world: World, session: Session, device: Authenticator, name: str = "Laptop") -> Session:
    asked = await world.passkeys.ask_to_add(session)
    return await world.passkeys.add(session, asked.handle, device.make(asked.options), name, HERE)


async def sign_in(world: World, device: Authenticator, visit: Visit = HERE) -> object:
    asked = await world.passkeys.ask(BROWSER)
    return await world.passkeys.sign_in(asked.handle, device.sign(asked.options), BROWSER, visit)


async def test_a_passkey_alone_signs_in_without_a_user_name(world: World) -> None:
    device = Authenticator()
    before = await holder(world, device)
    asked = await world.passkeys.ask(BROWSER)
    options = json.loads(asked.options)
    assert (options["allowCredentials"], options["userVerification"]) == ([], "required")
    session = await world.passkeys.sign_in(
        asked.handle, device.sign(asked.options), BROWSER, Visit("10.0.0.1", replaced=before.secret)
    )
    assert isinstance(session, Session)
    assert (session.username, session.acr, session.amr) == ("holder", PASSKEY, ("pop", "user", "mfa"))
    assert await world.sessions.current(before.secret) is None


async def test_what_a_device_is_told_says_nothing_about_the_person_s_id(world: World) -> None:
    device = Authenticator()
    with pytest.raises(LoginRequired):
        await world.passkeys.ask_to_add(await holder(world, device))
    session = await sign_in(world, device)
    assert isinstance(session, Session)
    asked = await world.passkeys.ask_to_add(session)
    options = json.loads(asked.options)
    assert session.person not in asked.options
    assert options["user"]["name"] == "holder"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(device.id)]


def origin(device: Authenticator) -> None:
    device.origin = "http://localhost.evil.example:8400"


def relying_party(device: Authenticator) -> None:
    device.rp_id = "evil.example"


def unverified(device: Authenticator) -> None:
    device.flags = PRESENT


def absent(device: Authenticator) -> None:
    device.flags = 0


def another_key(device: Authenticator) -> None:
    device.key = Authenticator().key


def unknown(device: Authenticator) -> None:
    device.id = b"nobody has this one"


def another_account(device: Authenticator) -> None:
    device.handle = b64(b"somebody else")


@pytest.mark.parametrize(
    "lie",
    [origin, relying_party, unverified, absent, another_key, unknown, another_account],
    ids=lambda lie: lie.__name__,
)
async def test_an_answer_that_is_off_signs_nobody_in(world: World, lie: Callable[[Authenticator], None]) -> None:
    device = Authenticator()
    await holder(world, device)
    lie(device)
    assert await sign_in(world, device) == Wrong()


@pytest.mark.parametrize(
    "given", ["", "{", "[]", "{}", '{"id": 1}', '{"id": ""}', '{"id":"x","response":[]}', "9" * 20_000]
)
async def test_what_is_no_answer_signs_nobody_in(world: World, given: str) -> None:
    await holder(world, Authenticator())
    asked = await world.passkeys.ask(BROWSER)
    assert await world.passkeys.sign_in(asked.handle, given, BROWSER, HERE) == Wrong()


async def test_a_challenge_counts_once_and_in_the_browser_that_asked(world: World) -> None:
    device = Authenticator()
    await holder(world, device)
    asked = await world.passkeys.ask(BROWSER)
    answer = device.sign(asked.options)
    assert await world.passkeys.sign_in(asked.handle, answer, "another browser", HERE) is None
    assert await world.passkeys.sign_in(asked.handle, answer, BROWSER, HERE) is None
    asked = await world.passkeys.ask(BROWSER)
    answer = device.sign(asked.options)
    assert isinstance(await world.passkeys.sign_in(asked.handle, answer, BROWSER, HERE), Session)
    assert await world.passkeys.sign_in(asked.handle, answer, BROWSER, HERE) is None


async def test_an_answer_to_an_earlier_challenge_is_refused(world: World) -> None:
    device = Authenticator()
    await holder(world, device)
    first, second = await world.passkeys.ask(BROWSER), await world.passkeys.ask(BROWSER)
    assert await world.passkeys.sign_in(second.handle, device.sign(first.options), BROWSER, HERE) == Wrong()


async def test_a_count_that_went_back_is_refused_and_is_a_finding(world: World) -> None:
    """A copied key gives itself away (WebAuthn §6.1.1). Only a right signature counts as one."""
    device = Authenticator()
    await holder(world, device)
    assert isinstance(await sign_in(world, device), Session)
    device.count = 0
    assert await sign_in(world, device) == Wrong()
    findings = [event for event in await world.events() if event.type is EventType.FINDING]
    assert [event.rsn for event in findings] == ["passkey_count_went_back"]
    device.key, device.count = Authenticator().key, 0
    assert await sign_in(world, device) == Wrong()
    assert len([event for event in await world.events() if event.type is EventType.FINDING]) == 1


async def test_a_device_that_does_not_count_is_fine(world: World) -> None:
    device = Authenticator()
    await holder(world, device)
    for _ in range(2):
        device.count = -1
        assert isinstance(await sign_in(world, device), Session)


async def test_answers_are_tried_slowly_from_one_address(world: World) -> None:
    """Covers: check 53."""
    device, stranger = Authenticator(), Authenticator(id=b"unknown")
    await holder(world, device)
    for _ in range(5):
        assert await sign_in(world, stranger) == Wrong()
    assert await sign_in(world, device) == TooMany(1)
    assert isinstance(await sign_in(world, device, Visit("10.0.0.2")), Session)


async def test_after_the_password_only_the_same_person_s_passkey_goes_on(world: World) -> None:
    """Covers: check 56."""
    device, theirs = Authenticator(), Authenticator(id=b"of another person")
    await holder(world, device)
    other = PersonDeclaration(username="other", name="Other", password=PASSWORD)
    await declare(world.database, world.hashing, other, world.clock)
    stranger = await world.sign_in.password("other", PASSWORD, HERE)
    assert isinstance(stranger, Session)
    await add(world, stranger, theirs)

    begun = await world.sign_in.password("holder", PASSWORD, HERE)
    assert isinstance(begun, NeedsSecond)
    asked = await world.passkeys.ask(BROWSER, begun.secret)
    assert [one["id"] for one in json.loads(asked.options)["allowCredentials"]] == [b64(device.id)]
    assert (
        await world.passkeys.sign_in(asked.handle, theirs.sign(asked.options), BROWSER, HERE, begun.secret) == Wrong()
    )
    asked = await world.passkeys.ask(BROWSER, begun.secret)
    session = await world.passkeys.sign_in(asked.handle, device.sign(asked.options), BROWSER, HERE, begun.secret)
    assert isinstance(session, Session)
    assert (session.acr, session.amr) == (PASSKEY, ("pwd", "pop", "user", "mfa"))
    assert await world.sign_in.waiting(begun.secret) is None


async def test_several_passkeys_are_named_and_removed_but_never_the_last_way_in(world: World) -> None:
    await declare(world.database, world.hashing, world.declaration(password=None), world.clock)
    person = await world.database.read(lambda tx: tx.people.by_username("holder"))
    assert person is not None
    link = await world.enrolment.link_for(person.id)
    session = await world.enrolment.complete(link, "", PASSWORD, HERE)
    assert isinstance(session, Session)
    first, second = Authenticator(), Authenticator(id=b"the second one")
    await add(world, session, first, "  Work   phone ")
    with pytest.raises(LoginRequired):
        await world.methods.remove_passkey(session, b64(first.id))
    strong = await sign_in(world, first)
    assert isinstance(strong, Session)
    await add(world, strong, second, "Key")
    held = await world.methods.of(strong.person)
    assert [(one.name, one.counter) for one in held.passkeys] == [("Work phone", 1), ("Key", 0)]

    await world.database.write(lambda tx: tx.people.put(person))
    await world.methods.remove_passkey(strong, b64(second.id))
    with pytest.raises(Conflict, match="only way"):
        await world.methods.remove_passkey(strong, b64(first.id))
    assert isinstance(await sign_in(world, first), Session)
    assert await sign_in(world, second) == Wrong()


async def test_a_known_passkey_is_not_added_again_by_anybody(world: World) -> None:
    device = Authenticator()
    await holder(world, device)
    other = PersonDeclaration(username="other", name="Other", password=PASSWORD)
    await declare(world.database, world.hashing, other, world.clock)
    stranger = await world.sign_in.password("other", PASSWORD, HERE)
    assert isinstance(stranger, Session)
    with pytest.raises(Conflict):
        await add(world, stranger, device)


@pytest.mark.parametrize("lie", [origin, relying_party, unverified], ids=lambda lie: lie.__name__)
async def test_a_device_that_answers_for_another_place_makes_no_passkey(
    world: World, lie: Callable[[Authenticator], None]
) -> None:
    await declare(world.database, world.hashing, world.declaration(), world.clock)
    session, device = await world.signed_in(), Authenticator()
    lie(device)
    with pytest.raises(InvalidRequest):
        await add(world, session, device)
    assert (await world.methods.of(session.person)).passkeys == ()


async def test_a_challenge_to_make_one_belongs_to_the_session_that_asked(world: World) -> None:
    await declare(world.database, world.hashing, world.declaration(), world.clock)
    session, elsewhere, device = await world.signed_in(), await world.signed_in(), Authenticator()
    asked = await world.passkeys.ask_to_add(session)
    with pytest.raises(InvalidRequest):
        await world.passkeys.add(elsewhere, asked.handle, device.make(asked.options), "Laptop", HERE)
