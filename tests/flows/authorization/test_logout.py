"""An app sends the person here to sign out: what is believed, whom is asked, and where one goes afterwards."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest

from grantline.authorization import Logout as SignOut
from grantline.authorization.tickets import new_handle
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import NotFound
from grantline.parties import Client, Logout, Standing
from grantline.sdk.client import Tokens
from tests.authorization_world import PUBLIC, World
from tests.flows.authorization.raw import claims_of
from tests.postgres_server import on_both

BYE = "https://app.example/bye"
SCOPE = "openid bank.transactions"
APP = msgspec.structs.replace(
    PUBLIC,
    logout=Logout(redirect_uris=(BYE, f"{BYE}?from=here"), backchannel_uri=f"{BYE}/told", backchannel_session=True),
)


@pytest.fixture
async def tokens(world: World) -> Tokens:
    """Ada, signed in at the app."""
    await world.register(APP)
    return await world.connect(world.app(APP), SCOPE)


async def ask(world: World, **parameters: str) -> httpx2.Response:
    return await world.http.get("/logout", params=parameters)


async def arrive(world: World, answer: httpx2.Response) -> Any:
    """What the page is told, for whoever is signed in now."""
    assert answer.status_code == 303, answer.text
    handle = answer.headers["location"].removeprefix("/sign-out/")
    return handle, await SignOut(world.server).arrive(handle, world.session)


async def onward(world: World, answer: httpx2.Response) -> str | None:
    """Where one goes after the session ended."""
    handle, _ = await arrive(world, answer)
    session = world.session
    if session is not None:
        await world.sessions.end(session)
    await SignOut(world.server).left(handle, session)
    return (await SignOut(world.server).farewell(handle)).onward


@on_both("world")
async def test_with_its_own_id_token_nobody_is_asked(world: World, tokens: Tokens) -> None:
    """Covers: check 59, 152; OIDC RP-Initiated Logout §2; the state comes back."""
    hint = tokens.id_token or ""
    answer = await ask(world, id_token_hint=hint, post_logout_redirect_uri=BYE, state="s & t")
    _, leaving = await arrive(world, answer)
    assert not leaving.ask
    assert leaving.client is not None
    assert leaving.client.id == APP.id
    secret = world.session.secret if world.session else ""
    assert await onward(world, answer) == f"{BYE}?state=s%20%26%20t"
    assert await world.sessions.current(secret) is None


async def test_an_expired_id_token_still_tells_who_is_meant(world: World, tokens: Tokens) -> None:
    """Covers: OIDC RP-Initiated Logout §4."""
    world.clock.pass_seconds(1_000)
    _, leaving = await arrive(world, await ask(world, id_token_hint=tokens.id_token or ""))
    assert not leaving.ask


async def test_a_form_posted_from_another_site_is_the_same(world: World, tokens: Tokens) -> None:
    """Covers: OIDC RP-Initiated Logout §2 (GET and POST); such a form brings no cookie, the page after it does."""
    form = {"id_token_hint": tokens.id_token or "", "post_logout_redirect_uri": BYE}
    answer = await world.http.post("/logout", data=form)
    _, leaving = await arrive(world, answer)
    assert not leaving.ask
    assert await onward(world, answer) == BYE


async def test_without_a_hint_the_person_is_asked_and_goes_back_then(world: World, tokens: Tokens) -> None:
    """Covers: check 152."""
    answer = await ask(world, client_id=APP.id, post_logout_redirect_uri=f"{BYE}?from=here", state="1")
    _, leaving = await arrive(world, answer)
    assert leaving.ask
    assert await onward(world, answer) == f"{BYE}?from=here&state=1"


async def test_with_nothing_said_the_person_is_asked_and_stays_here(world: World, tokens: Tokens) -> None:
    """Covers: check 152; no parameters at all."""
    answer = await ask(world)
    _, leaving = await arrive(world, answer)
    assert leaving.ask
    assert leaving.client is None
    assert await onward(world, answer) is None


@pytest.mark.parametrize(
    "uri",
    [
        f"{BYE}/", f"{BYE}?x=1", f"{BYE}#x", "https://APP.example/bye", f"{BYE}%2f..", "https://app.example.evil/bye",
        "https://app.example:443/bye", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "//app.example/bye", BYE.upper(),
        f"{BYE}?from=here&from=there",
    ],
)  # fmt: skip
async def test_another_address_leads_nowhere(world: World, tokens: Tokens, uri: str) -> None:
    """Covers: check 152, K6."""
    said = {"id_token_hint": tokens.id_token or "", "post_logout_redirect_uri": uri}
    for answer in (await ask(world, **said), await ask(world, client_id=APP.id, post_logout_redirect_uri=uri)):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert answer.text == "error page: invalid_request: post_logout_redirect_uri"
    assert world.session
    assert await world.sessions.current(world.session.secret) is not None


async def forgeries(world: World, hint: str) -> list[str]:
    head, body, signature = hint.split(".")
    own = SigningKey.generate()
    same = msgspec.json.encode(claims_of(hint))
    other_issuer = msgspec.json.encode({**claims_of(hint), "iss": "https://evil.example"})
    return [
        f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}.", "x", own.sign_jws(same, "JWT"),
        world.server.keys.signing.sign_jws(other_issuer, "JWT"),
        world.server.keys.signing.sign_jws(same, "at+jwt"),
    ]  # fmt: skip


async def test_a_forged_hint_is_as_good_as_none_and_leads_nowhere(world: World, tokens: Tokens) -> None:
    """Covers: check 153."""
    for forged in await forgeries(world, tokens.id_token or ""):
        answer = await ask(world, id_token_hint=forged, client_id=APP.id, post_logout_redirect_uri=BYE)
        _, leaving = await arrive(world, answer)
        assert leaving.ask, forged
        handle = answer.headers["location"].removeprefix("/sign-out/")
        await SignOut(world.server).left(handle, world.session)
        assert (await SignOut(world.server).farewell(handle)).onward is None


async def test_an_access_token_is_no_hint(world: World, tokens: Tokens) -> None:
    """Covers: check 111, 153."""
    _, leaving = await arrive(world, await ask(world, id_token_hint=tokens.access_token))
    assert leaving.ask


async def test_another_clients_hint_is_none_of_this_clients(world: World, tokens: Tokens) -> None:
    """Covers: check 153; OIDC RP-Initiated Logout §2 (client_id has to be the token's)."""
    await world.register(msgspec.structs.replace(APP, id="other"))
    said = {"id_token_hint": tokens.id_token or "", "client_id": "other", "post_logout_redirect_uri": BYE}
    answer = await ask(world, **said)
    _, leaving = await arrive(world, answer)
    assert leaving.ask
    assert await onward(world, answer) is None


async def test_a_hint_of_another_session_or_person_asks(world: World, tokens: Tokens) -> None:
    """Covers: check 153; whoever holds an old ID token cannot end a session it is not about."""
    hint = tokens.id_token or ""
    ada = world.session
    world.session = None
    elsewhere = await world.sign_in()
    _, leaving = await arrive(world, await ask(world, id_token_hint=hint))
    assert leaving.ask
    # The same person, at the same app, in another browser: another `sid`.
    await world.connect(world.app(APP), SCOPE)
    _, leaving = await arrive(world, await ask(world, id_token_hint=hint))
    assert leaving.ask
    world.session = elsewhere
    await world.sign_in("ben")
    _, leaving = await arrive(world, await ask(world, id_token_hint=hint))
    assert leaving.ask
    world.session = ada
    _, leaving = await arrive(world, await ask(world, id_token_hint=hint))
    assert not leaving.ask


async def test_where_nobody_is_signed_in_nobody_is_asked(world: World, tokens: Tokens) -> None:
    """Covers: OIDC RP-Initiated Logout §2; it is over already."""
    world.session = None
    answer = await ask(world, client_id=APP.id, post_logout_redirect_uri=BYE)
    _, leaving = await arrive(world, answer)
    assert not leaving.ask
    assert await onward(world, answer) == BYE


async def test_a_stopped_client_sends_nobody_anywhere(world: World, tokens: Tokens) -> None:
    """Covers: check 152; a disabled client's addresses count no more."""
    stopped: Client = msgspec.structs.replace(APP, status=Standing.DISABLED)
    await world.register(stopped)
    answer = await ask(world, id_token_hint=tokens.id_token or "", post_logout_redirect_uri=BYE)
    _, leaving = await arrive(world, answer)
    assert leaving.ask
    assert await onward(world, answer) is None


async def test_a_repeated_parameter_is_refused(world: World) -> None:
    """Covers: check 6."""
    query = urlencode([("client_id", "a"), ("client_id", "b")])
    answer = await world.http.get(f"/logout?{query}")
    assert (answer.status_code, answer.text) == (400, "error page: invalid_request")


@on_both("world")
async def test_a_wish_is_fulfilled_once_and_not_for_ever(world: World, tokens: Tokens) -> None:
    """Covers: check 124; another kind of handle is none, an answered or old one is over."""
    service = SignOut(world.server)
    answer = await ask(world)
    handle, _ = await arrive(world, answer)
    with pytest.raises(NotFound):
        await service.farewell(handle)
    await service.left(handle, world.session)
    with pytest.raises(NotFound):
        await service.arrive(handle, world.session)
    begun = await world.app(APP).begin(scope=SCOPE)
    for other in (new_handle(world.server.randomness), begun.url.rsplit("%3A", 1)[-1]):
        with pytest.raises(NotFound):
            await service.arrive(other, world.session)
    world.clock.pass_seconds(1_000)
    with pytest.raises(NotFound):
        await service.farewell(handle)


async def test_what_the_person_allowed_stays(world: World, tokens: Tokens) -> None:
    """Covers: check 59; ending a session ends no consent: the app goes on by its refresh token."""
    app = world.app(APP)
    tokens = await world.connect(app, SCOPE)
    await onward(world, await ask(world, id_token_hint=tokens.id_token or ""))
    assert (await app.refresh(tokens.refresh_token or "")).access_token
    assert {entry["kind"] for entry in await world.endings()} == set()


async def test_each_app_of_the_session_is_loaded_with_its_own_name_for_it(world: World, tokens: Tokens) -> None:
    """Covers: OIDC Front-Channel Logout §2 (iss, sid), its query kept; apps without are not loaded."""
    heard = Logout(frontchannel_uri="https://b.example/out?x=1", frontchannel_session=True)
    one = msgspec.structs.replace(PUBLIC, id="b", logout=heard)
    two = msgspec.structs.replace(PUBLIC, id="c", logout=Logout(frontchannel_uri="https://c.example/out"))
    for client in (one, two):
        await world.register(client)
    sid = claims_of((await world.connect(world.app(one), SCOPE)).id_token or "")["sid"]
    await world.connect(world.app(two), SCOPE)
    handle, _ = await arrive(world, await ask(world))
    await SignOut(world.server).left(handle, world.session)
    frames = (await SignOut(world.server).farewell(handle)).frames
    assert set(frames) == {
        f"https://b.example/out?x=1&iss=http%3A%2F%2Flocalhost%3A9000&sid={sid}", "https://c.example/out",
    }  # fmt: skip
    assert world.session
    assert await SignOut(world.server).leave(world.session) is not None
    ben = await world.sign_in("ben")
    assert await SignOut(world.server).leave(ben) is None
