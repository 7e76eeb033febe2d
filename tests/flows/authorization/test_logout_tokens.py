"""Apps hear of ended sessions, whatever ended them: what a logout token says, and what becomes of it on the way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from grantline.authorization.telling import GIVE_UP_S, WAITS_S, Telling
from grantline.fetching import CannotFetch
from grantline.identity import Sessions, SessionSettings
from grantline.identity.passwords import end_with_password
from grantline.model.events import EventType
from grantline.parties import Logout
from tests.authorization_world import ISSUER, PUBLIC, T0, World, make_world
from tests.flows.authorization.raw import claims_of
from tests.postgres_server import on_both

SCOPE = "openid bank.transactions"
TOLD = "https://app.example/told"
APP = msgspec.structs.replace(PUBLIC, logout=Logout(backchannel_uri=TOLD, backchannel_session=True))


@dataclass
class Apps:
    """The apps' own ends: what was posted where, and what each answers next (200 where nothing is said)."""

    posted: list[tuple[str, str, str]] = field(default_factory=list)
    answers: list[int | Exception] = field(default_factory=list)

    async def post(self, url: str, body: bytes, content_type: str, /) -> int:
        ((token,),) = parse_qs(body.decode(), strict_parsing=True).values()
        self.posted.append((url, content_type, token))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def tokens(self) -> list[str]:
        return [token for _, _, token in self.posted]


@pytest.fixture
def apps() -> Apps:
    return Apps()


async def signed_in(world: World) -> dict[str, Any]:
    """Ada at the app: what her ID token says."""
    await world.register(APP)
    return claims_of((await world.connect(world.app(APP), SCOPE)).id_token or "")


async def test_a_logout_token_says_what_it_must_and_no_more(world: World, apps: Apps) -> None:
    """Covers: check 154; OIDC Back-Channel Logout §2.4; verified by another library."""
    told = await signed_in(world)
    assert await Telling(world.server, apps).step() == 0
    assert world.session
    await world.sessions.end(world.session)
    assert await Telling(world.server, apps).step() == 1
    ((url, content_type, token),) = apps.posted
    assert (url, content_type) == (TOLD, "application/x-www-form-urlencoded")
    keys = KeySet.import_key_set((await world.http.get("/jwks")).json())
    read = jwt.decode(token, keys, algorithms=["ES256"])
    assert read.header["typ"] == "logout+jwt"
    jti = read.claims.pop("jti")
    assert len(jti) > 20
    assert read.claims == {
        "iss": ISSUER, "aud": APP.id, "iat": T0, "exp": T0 + 120, "sub": told["sub"], "sid": told["sid"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip


@on_both("world")
async def test_each_app_hears_once_and_only_of_its_own(world: World, apps: Apps) -> None:
    """Covers: check 154; `sid` only where the app asked for it; apps without an address hear nothing."""
    await signed_in(world)
    plain = msgspec.structs.replace(PUBLIC, id="plain", logout=Logout(backchannel_uri="https://plain.example/told"))
    deaf = msgspec.structs.replace(PUBLIC, id="deaf")
    for client in (plain, deaf):
        await world.register(client)
        await world.connect(world.app(client), SCOPE)
    assert world.session
    await world.sessions.end(world.session)
    telling = Telling(world.server, apps)
    assert (await telling.step(), await telling.step()) == (2, 0)
    said = {claims_of(token)["aud"]: claims_of(token) for token in apps.tokens}
    assert set(said) == {APP.id, "plain"}
    assert "sid" not in said["plain"]
    assert said["plain"]["sub"]


async def by_signing_out(world: World) -> None:
    assert world.session
    await world.sessions.end(world.session)


async def from_the_list(world: World) -> None:
    here, world.session = world.session, None
    other = await world.sign_in()
    assert here
    assert await world.sessions.end_one(other.person, here.id)


async def with_all_others(world: World) -> None:
    world.session = None
    await world.sessions.end_others(await world.sign_in())


async def by_a_new_password(world: World) -> None:
    person, ending = world.people["ada"], (world.clock, world.server.randomness, None)
    await world.database.write(lambda tx: end_with_password(tx, person, *ending))  # type: ignore[arg-type]


async def by_another_person(world: World) -> None:
    await world.sign_in("ben")


async def by_staying_away(world: World) -> None:
    world.clock.pass_seconds(SessionSettings().idle)
    assert await end_over(world) == 1


async def by_the_longest_time(world: World) -> None:
    assert world.session
    while await world.sessions.current(world.session.secret) is not None:
        world.clock.pass_seconds(SessionSettings().idle - 1)
    assert await end_over(world) == 1


async def end_over(world: World) -> int:
    """As the sweep does."""
    return await world.database.write(lambda tx: world.sessions.end_over(tx, 10))


ENDINGS = (
    by_signing_out, from_the_list, with_all_others, by_a_new_password, by_another_person, by_staying_away,
    by_the_longest_time,
)  # fmt: skip


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
async def test_apps_hear_whatever_ended_the_session(
    world: World, apps: Apps, end: Callable[[World], Awaitable[None]]
) -> None:
    """Covers: check 58, 59, 154."""
    told = await signed_in(world)
    await end(world)
    await Telling(world.server, apps).step()
    assert [claims_of(token)["sid"] for token in apps.tokens] == [told["sid"]]


async def test_whoever_is_there_is_not_ended_by_time(world: World, apps: Apps) -> None:
    """Covers: check 59; being seen a second before the end is being there."""
    await signed_in(world)
    assert world.session
    world.clock.pass_seconds(SessionSettings().idle - 1)
    assert await end_over(world) == 0
    assert await world.sessions.current(world.session.secret) is not None
    world.clock.pass_seconds(SessionSettings().idle - 1)
    assert await end_over(world) == 0
    assert await Telling(world.server, apps).step() == 0


async def test_an_end_by_time_is_on_record_as_nobodys_act(world: World) -> None:
    """Covers: check 59; once, without an actor."""
    await signed_in(world)
    await by_staying_away(world)
    assert await end_over(world) == 0
    (event,) = [one for one in await world.events() if one.type is EventType.SIGN_OUT]
    assert (event.person, event.actor, event.rsn) == (world.people["ada"], None, "time")


async def test_a_session_that_was_over_for_hours_is_old_news(world: World, apps: Apps) -> None:
    """Covers: OIDC Back-Channel Logout §2.5; it counts when it ended, not when somebody looked."""
    await signed_in(world)
    world.clock.pass_seconds(SessionSettings().idle + GIVE_UP_S)
    assert await end_over(world) == 1
    assert await Telling(world.server, apps).step() == 0


async def test_an_operator_may_have_apps_told_of_acts_alone(world: World, apps: Apps) -> None:
    settings = SessionSettings(time_tells_apps=False)
    quiet = Sessions(world.database, world.clock, settings=settings)  # type: ignore[arg-type]
    await signed_in(world)
    world.clock.pass_seconds(SessionSettings().idle)
    assert await world.database.write(lambda tx: quiet.end_over(tx, 10)) == 0  # type: ignore[arg-type]
    assert await Telling(world.server, apps).step() == 0


@on_both("world")
async def test_who_signs_in_again_has_not_left(world: World, apps: Apps) -> None:
    """Covers: check 57; apps hear nothing of a step up, and hear of the end after it."""
    told = await signed_in(world)
    newer = await world.sign_in()
    assert await Telling(world.server, apps).step() == 0
    await world.sessions.end(newer)
    await Telling(world.server, apps).step()
    assert [claims_of(token)["sid"] for token in apps.tokens] == [told["sid"]]


async def test_who_does_not_answer_is_told_again_a_few_times_and_then_given_up(world: World, apps: Apps) -> None:
    """Covers: check 155's like for logout tokens: tries are bounded; the last failure is a finding."""
    await signed_in(world)
    await by_signing_out(world)
    apps.answers = [CannotFetch(TOLD, "too slow"), *[503] * len(WAITS_S)]
    telling = Telling(world.server, apps)
    assert await telling.step() == 1
    for wait in WAITS_S:
        world.clock.pass_seconds(wait - 1)
        assert await telling.step() == 0
        world.clock.pass_seconds(1)
        assert await telling.step() == 1
    world.clock.pass_seconds(GIVE_UP_S)
    assert await telling.step() == 0
    assert len({claims_of(token)["jti"] for token in apps.tokens}) == 1 + len(WAITS_S)
    findings = [event for event in await world.events() if event.type == "finding.raised@1"]
    assert [(event.rsn, event.client) for event in findings] == [("logout_not_told", APP.id)]


async def test_a_second_try_that_is_taken_is_the_last(world: World, apps: Apps) -> None:
    """Covers: OIDC Back-Channel Logout §2.8 (204 counts as well)."""
    await signed_in(world)
    await by_signing_out(world)
    apps.answers = [302, 204]
    telling = Telling(world.server, apps)
    assert await telling.step() == 1
    world.clock.pass_seconds(WAITS_S[0])
    assert await telling.step() == 1
    world.clock.pass_seconds(WAITS_S[1])
    assert await telling.step() == 0
    assert [event for event in await world.events() if event.type == "finding.raised@1"] == []


async def test_who_refuses_is_not_asked_again(world: World, apps: Apps) -> None:
    """Covers: OIDC Back-Channel Logout §2.8 (400: the app could not)."""
    await signed_in(world)
    await by_signing_out(world)
    apps.answers = [400]
    telling = Telling(world.server, apps)
    assert await telling.step() == 1
    world.clock.pass_seconds(WAITS_S[0])
    assert await telling.step() == 0
    assert [event.rsn for event in await world.events() if event.type == "finding.raised@1"] == ["logout_not_told"]


@on_both("world")
async def test_what_was_not_told_before_a_crash_is_told_after_it_by_one_process(world: World, apps: Apps) -> None:
    """Covers: check 154; two processes over one database tell an app once."""
    await signed_in(world)
    await by_signing_out(world)
    again = await make_world(
        world.path, fresh=False, clock=world.clock, keys=world.server.keys, seed=7, address=world.address
    )
    try:
        one, other = Telling(world.server, apps), Telling(again.server, apps)
        rows = await one._due()
        assert rows == await other._due()
        assert [await one._tell(rows[0]), await other._tell(rows[0])] == [True, False]
    finally:
        await again.close()
    assert len(apps.posted) == 1


@on_both("world")
async def test_ended_sessions_are_forgotten_after_their_time(world: World, apps: Apps) -> None:
    """Covers: check 59; nothing of who signed in where is kept for ever."""
    await signed_in(world)
    assert world.session
    session = world.session.id
    await by_signing_out(world)
    now = world.server.now()
    assert await world.database.write(lambda tx: tx.client_sessions.sweep(now)) == 0
    assert await world.database.write(lambda tx: tx.client_sessions.sweep(now + 1)) == 1
    assert await world.database.read(lambda tx: tx.client_sessions.of(session)) == ()


async def test_an_end_that_is_long_past_is_told_to_nobody(world: World, apps: Apps) -> None:
    """Covers: OIDC Back-Channel Logout §2.5; a server that was away for hours does not send old news."""
    await signed_in(world)
    await by_signing_out(world)
    world.clock.pass_seconds(GIVE_UP_S + 1)
    assert await Telling(world.server, apps).step() == 0
    assert apps.posted == []
