"""A client is told how long its refresh token waits, and when the person has to be asked again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from grantline.authorization import Settings
from grantline.consent import Offer
from grantline.crypto.es256 import SigningKey
from grantline.parties import Profile
from tests.authorization_world import APP_KEY, CONFIDENTIAL, PUBLIC, World, every, handle_of, make_world, query_of
from tests.flows.authorization.raw import exchange, get_code, post
from tests.flows.authorization.test_introspection import ask

DAY = 86_400
KEY = SigningKey.generate()


def lifetimes(body: dict[str, Any]) -> tuple[int, int]:
    """How long the refresh token waits and the authorization lasts, in seconds."""
    assert body["refresh_token_timeout"] == body["refresh_token_expires_in"], "one thing under both of its names"
    return body["refresh_token_expires_in"], body["authorization_expires_in"]


async def refreshed(world: World, token: str) -> Any:
    form = {"grant_type": "refresh_token", "client_id": PUBLIC.id, "refresh_token": token}
    return await post(world, "/token", form, KEY)


async def redeemed(world: World, **changes: str) -> dict[str, Any]:
    answer = await post(world, "/token", exchange(await get_code(world, KEY, **changes)), KEY)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Settings(refresh_idle=100, refresh_absolute=900), (100, 900)),
        (Settings(refresh_idle=2_000, refresh_absolute=900), (900, 900)),
        (Settings(refresh_idle=1_000 * DAY, refresh_absolute=1_000 * DAY), (30 * DAY, 30 * DAY)),
    ],
    ids=["idle", "absolute", "consent"],
)
async def test_the_shortest_of_idle_absolute_and_consent_is_told_and_holds(
    tmp_path: Path, settings: Settings, told: tuple[int, int]
) -> None:
    """Covers: line 4 (idle and absolute lifetime told to the client); check 90."""
    world = await make_world(tmp_path / "state.db", settings=settings)
    body = await redeemed(world)
    assert lifetimes(body) == told
    for before, status in ((1, 200), (0, 400)):
        body = await redeemed(world, prompt="consent")
        world.clock.pass_seconds(lifetimes(body)[0] - before)
        assert (await refreshed(world, body["refresh_token"])).status_code == status
    await world.close()


async def test_each_refresh_begins_the_wait_anew_and_never_the_whole(tmp_path: Path) -> None:
    """Covers: line 4; check 90."""
    world = await make_world(tmp_path / "state.db", settings=Settings(refresh_idle=100, refresh_absolute=250))
    body = await redeemed(world)
    told = [lifetimes(body)]
    for _ in range(2):
        world.clock.pass_seconds(90)
        body = (await refreshed(world, body["refresh_token"])).json()
        told.append(lifetimes(body))
    assert told == [(100, 250), (100, 160), (70, 70)]
    world.clock.pass_seconds(70)
    assert (await refreshed(world, body["refresh_token"])).status_code == 400
    await world.close()


async def test_an_honest_repeat_is_told_the_end_that_its_answer_had(tmp_path: Path) -> None:
    """The same token, the same end."""
    world = await make_world(tmp_path / "state.db", settings=Settings(refresh_idle=100))
    first = await redeemed(world)
    second = (await refreshed(world, first["refresh_token"])).json()
    world.clock.pass_seconds(20)
    again = (await refreshed(world, first["refresh_token"])).json()
    assert again["refresh_token"] == second["refresh_token"]
    assert lifetimes(second)[0] - lifetimes(again)[0] == 20
    await world.close()


async def test_where_tokens_are_not_rotated_only_the_whole_ends(tmp_path: Path) -> None:
    """Covers: line 10 (fapi2); nobody knows when such a token was used last."""
    world = await make_world(tmp_path / "state.db", settings=Settings(refresh_idle=100, refresh_absolute=500))
    fapi = msgspec.structs.replace(CONFIDENTIAL, profile=Profile.FAPI2, dpop_bound=True)
    await world.register(fapi)
    tokens = await world.connect(world.app(fapi, dpop=KEY))
    world.clock.pass_seconds(200)
    answer = (await ask(world, fapi.id, tokens.refresh_token, APP_KEY)).json()
    assert lifetimes(answer) == (300, 300)
    assert answer["exp"] == world.server.now() + 300
    await world.close()


async def test_a_client_without_refresh_tokens_is_told_nothing_of_them(world: World) -> None:
    await world.register(msgspec.structs.replace(PUBLIC, grants=("authorization_code",)))
    assert not {"refresh_token", "refresh_token_timeout", "authorization_expires_in"} & set(await redeemed(world))


async def test_the_days_that_the_person_chose_are_the_end(world: World) -> None:
    """Covers: line 4; I3."""
    app = world.app(dpop=KEY)
    begun = await app.begin(scope="bank.transactions")
    session = await world.sign_in()
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer)
    url = (await world.interaction.approve(handle, every(offer, 90), session, digest=offer.digest)).url
    code = query_of(url)["code"]
    form = {**exchange(code), "code_verifier": begun.verifier}
    body = (await post(world, "/token", form, KEY)).json()
    assert lifetimes(body)[1] == 90 * DAY


async def test_the_metadata_says_that_both_ends_are_told(world: World) -> None:
    """Covers: check 126."""
    said = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert said["refresh_token_expiration_types_supported"] == ["authorization", "token_timeout"]
