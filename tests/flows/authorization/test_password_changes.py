"""A new password puts out whoever knew the old one: sessions and refresh tokens end, consents stay."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from grantline.authorization import LOCKED, EndsWithPassword, Settings
from grantline.identity import Enrolment, Hashing, PersonDeclaration, Session, declare, lock
from grantline.model.consent import Status
from grantline.model.events import Event, EventType
from grantline.model.ids import ApiId
from grantline.sdk.client import AccessRefused, Tokens
from grantline.storage.sql.identity import SqlEnrolments
from grantline.storage.sql.sign_in import SqlPasskeys, SqlTotps
from grantline.storage.sqlite.database import Database
from tests.authorization_world import Tx, World, make_world
from tests.flows.authorization.elsewhere_flows import TV, answered_device, poll
from tests.flows.authorization.raw import claims_of

OLD, NEW = "correct horse battery", "another horse entirely"
HASHING = Hashing()


class IdentityTx(Tx):
    """The stores of both parts, as the authority has them."""

    def __init__(self, cursor: Any) -> None:
        super().__init__(cursor)
        self.enrolments = SqlEnrolments(cursor)
        self.passkeys, self.totps = SqlPasskeys(cursor), SqlTotps(cursor)


class People:
    """People as operators declare them, over the authorization server's own file."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.work: Database[IdentityTx] = Database(world.path, IdentityTx)
        self.ends = EndsWithPassword(world.clock, world.server.randomness, world.server.settings)
        self.enrolment = Enrolment(
            self.work, world.sessions, HASHING, world.clock, also_ends=self.ends  # type: ignore[arg-type]
        )  # fmt: skip

    async def declare(self, password: str | None, name: str = "ada", **changes: Any) -> None:
        told = {"username": name, "name": name.title(), "resource_names": {ApiId("bank"): f"b-{name}"}}
        person = PersonDeclaration(**{**told, **changes, "password": password})
        await declare(self.work, HASHING, person, self.world.clock, secrets.token_bytes, also_ends=self.ends)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def people(world: World) -> AsyncIterator[People]:
    made = People(world)
    await made.declare(OLD)
    await made.declare(OLD, "ben")
    yield made
    made.work.close()


async def connected(world: World, name: str = "ada") -> tuple[Any, Tokens, Session]:
    session = await world.sign_in(name)
    app = world.app()
    return app, await world.connect(app), session


async def changes(world: World) -> list[Event]:
    return [event for event in await world.events() if event.type is EventType.PASSWORD_CHANGED]


async def refused(app: Any, tokens: Tokens) -> None:
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(tokens.refresh_token)


async def test_a_new_password_ends_sessions_and_refresh_tokens_and_never_a_consent(
    world: World, people: People
) -> None:
    """Covers: check 58, 89."""
    app, tokens, first = await connected(world)
    other = await world.database.write(lambda tx: world.sessions.begin(tx, world.people["ada"], ("pwd",), None))  # type: ignore[arg-type]
    await people.declare(NEW)
    assert [await world.sessions.current(each.secret) for each in (first, other)] == [None, None]
    await refused(app, tokens)
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"]) == ("family", claims_of(tokens.access_token)["fam"])
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"]))
    assert state.status is Status.ACTIVE
    (told,) = await changes(world)
    assert (told.person, told.detail) == (world.people["ada"], {"sessions": 2, "families": 1})
    (ended,) = [event for event in await world.events() if event.type is EventType.FAMILY_ENDED]
    assert (ended.rsn, ended.consent) == ("password_changed", state.consent_id)


async def test_after_signing_in_anew_an_app_is_connected_again(world: World, people: People) -> None:
    await connected(world)
    await people.declare(NEW)
    app, tokens, _ = await connected(world)
    assert (await app.refresh(tokens.refresh_token)).access_token


async def test_another_persons_apps_and_sessions_go_on(world: World, people: People) -> None:
    app, tokens, session = await connected(world, "ben")
    await people.declare(NEW)
    assert await world.sessions.current(session.secret) is not None
    assert (await app.refresh(tokens.refresh_token)).access_token


@pytest.mark.parametrize(("password", "changed"), [(OLD, {}), (None, {}), (None, {"name": "Ada Lovelace"})])
async def test_what_leaves_the_password_as_it_is_ends_nothing(
    world: World, people: People, password: str | None, changed: dict[str, Any]
) -> None:
    app, tokens, session = await connected(world)
    await people.declare(password, **changed)
    assert await world.sessions.current(session.secret) is not None
    assert (await app.refresh(tokens.refresh_token)).access_token
    assert await changes(world) == []


async def test_a_link_that_replaces_a_password_ends_what_stood_on_the_old_one(world: World, people: People) -> None:
    """Covers: check 55, 89."""
    app, tokens, before = await connected(world)
    link = await people.enrolment.link_for(world.people["ada"])
    after = await people.enrolment.complete(link, "", NEW)
    assert await world.sessions.current(before.secret) is None
    assert await world.sessions.current(after.secret) is not None
    await refused(app, tokens)
    assert [event.detail for event in await changes(world)] == [{"sessions": 1, "families": 1}]


async def test_the_policy_may_keep_refresh_tokens_but_never_sessions(tmp_path: Path) -> None:
    """Covers: check 89 (by policy)."""
    world = await make_world(tmp_path / "state.db", settings=Settings(refresh_ends_with_password=False))
    people = People(world)
    await people.declare(OLD)
    app, tokens, session = await connected(world)
    await people.declare(NEW)
    assert await world.sessions.current(session.secret) is None
    assert (await app.refresh(tokens.refresh_token)).access_token
    assert [event.detail for event in await changes(world)] == [{"sessions": 1, "families": 0}]
    people.work.close()
    await world.close()


async def test_an_unfinished_change_changes_nothing(world: World, people: People) -> None:
    """Password, sessions and refresh tokens are one unit."""
    app, tokens, session = await connected(world)

    async def breaks(tx: Any, person: Any) -> int:
        await EndsWithPassword(world.clock, world.server.randomness)(tx, person)
        raise ZeroDivisionError

    people.ends = breaks  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        await people.declare(NEW)
    assert await world.sessions.current(session.secret) is not None
    assert (await app.refresh(tokens.refresh_token)).access_token


async def test_who_is_locked_loses_refresh_tokens_whatever_the_setting_says(world: World, people: People) -> None:
    """And keeps the consents; nobody is in by an earlier sign-in."""
    app, tokens, session = await connected(world)
    keeps = Settings(refresh_ends_with_password=False)
    ends = EndsWithPassword(world.clock, world.server.randomness, keeps, why=LOCKED)
    person = await people.work.read(lambda tx: tx.people.by_username("ada"))
    assert person is not None
    await people.work.write(
        lambda tx: lock(tx, person, world.clock, secrets.token_bytes, also_ends=ends)  # type: ignore[arg-type]
    )
    assert await world.sessions.current(session.secret) is None
    await refused(app, tokens)
    (ended,) = [event for event in await world.events() if event.type is EventType.FAMILY_ENDED]
    assert ended.rsn == "person_locked"
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"]))
    assert state.status is Status.ACTIVE


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_new_password_takes_back_what_was_allowed_elsewhere(world: World, people: People, keeps: bool) -> None:
    """Before its tokens were fetched; whatever the setting says of refresh tokens. What is fetched by then, stands."""
    await world.register(TV)
    await world.sign_in()
    fetched, waiting = await answered_device(world), await answered_device(world)
    assert (await poll(world, fetched)).status_code == 200
    people.ends = replace(people.ends, settings=Settings(refresh_ends_with_password=not keeps))
    await people.declare(NEW)
    assert (await poll(world, waiting)).json()["error"] == "access_denied"
