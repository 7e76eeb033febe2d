"""How recent and how sure a sign-in has to be, as the client asks (OIDC Core §3.1.2.1, §5.5; RFC 9470)."""

import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from grantline.consent import Offer
from grantline.identity.levels import MFA, PASSKEY, PASSWORD
from grantline.model.errors import LoginRequired
from tests.authorization_world import CALLBACK, ISSUER, PUBLIC, World, every, handle_of, query_of
from tests.flows.authorization.raw import REQUEST, claims_of, exchange, post


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}, "colour": None}})


async def arrive(world: World, **changes: str | None) -> str:
    """Where the browser is sent."""
    query = urlencode({name: value for name, value in {**REQUEST, **changes}.items() if value is not None})
    return str((await world.browse(f"/authorize?{query}")).headers["location"])


async def sign_in(world: World, acr: str) -> None:
    """A new sign-in of this level."""
    old = world.session.secret if world.session else None
    person = world.people["ada"]
    world.session = await world.database.write(
        lambda tx: world.sessions.begin(tx, person, ("pwd",), old, acr=acr)  # type: ignore[arg-type]
    )


async def come(world: World, handle: str) -> Any:
    """The person comes to the page after signing in."""
    assert world.session is not None
    return await world.interaction.arrive(handle, world.session)


async def id_token(world: World, handle: str) -> dict[str, Any]:
    """What the ID token says after the person agreed."""
    from grantline.crypto.es256 import SigningKey

    assert world.session is not None
    offer = await world.look(handle, world.session)
    assert isinstance(offer, Offer)
    answer = await world.interaction.approve(handle, every(offer), world.session, digest=offer.digest)
    tokens = await post(world, "/token", exchange(query_of(answer)["code"]), SigningKey.generate())
    return claims_of(tokens.json()["id_token"])


async def test_a_wish_leads_to_the_sign_in_once_and_is_not_insisted_on(world: World) -> None:
    """Covers: check 57; acr_values is voluntary (OIDC Core §3.1.2.1)."""
    await sign_in(world, PASSWORD)
    to = await arrive(world, acr_values=f"{PASSKEY} {MFA}", scope="openid bank.transactions")
    assert to.startswith("/sign-in?")
    assert parse_qs(urlsplit(to).query)["acr"] == [f"{PASSKEY} {MFA}"]
    handle = handle_of(to)
    await sign_in(world, PASSWORD)
    assert type(await come(world, handle)).__name__ == "Question"
    assert (await id_token(world, handle))["acr"] == PASSWORD


async def test_a_step_up_gives_a_new_auth_time_and_level(world: World) -> None:
    """Covers: check 57; RFC 9470 §4: acr_values and max_age lead to the needed sign-in."""
    await sign_in(world, PASSWORD)
    world.clock.pass_seconds(100)
    to = await arrive(world, acr_values="phr", max_age="60", scope="openid bank.transactions")
    handle = handle_of(to)
    await sign_in(world, PASSKEY)
    said = await id_token(world, handle)
    assert (said["acr"], said["auth_time"]) == ("phr", world.server.now())


async def test_a_level_that_is_there_already_asks_nothing(world: World) -> None:
    """Covers: check 57."""
    await sign_in(world, PASSKEY)
    for asked in (PASSWORD, MFA, PASSKEY, "phr"):
        assert "/consent/" in await arrive(world, acr_values=asked)
        assert "/consent/" in await arrive(world, claims=essential(asked))


async def test_an_essential_level_that_is_not_met_is_an_error_not_a_downgrade(world: World) -> None:
    """Covers: check 19; OIDC Unmet Authentication Requirements."""
    await sign_in(world, PASSWORD)
    to = await arrive(world, claims=essential(PASSKEY))
    assert to.startswith("/sign-in?")
    handle = handle_of(to)
    await sign_in(world, PASSWORD)
    for refused in (world.interaction.question, world.interaction.refuse):
        with pytest.raises(LoginRequired):
            await refused(handle, world.session)  # type: ignore[arg-type]
    back = (await come(world, handle)).answer
    told = query_of(back)
    assert back.url.startswith(CALLBACK)
    assert (told["error"], told["state"], told["iss"]) == ("unmet_authentication_requirements", "st", ISSUER)


async def test_an_essential_level_that_nobody_reaches_is_told_without_a_page(world: World) -> None:
    """Covers: check 19."""
    await sign_in(world, PASSKEY)
    for value in ("urn:example:unheard", "phrh"):
        assert query_of(await arrive(world, claims=essential(value)))["error"] == "unmet_authentication_requirements"


async def test_prompt_none_shows_nobody_a_sign_in(world: World) -> None:
    """Covers: check 15; a wish changes nothing, what is essential is login_required."""
    assert query_of(await arrive(world, prompt="none"))["error"] == "login_required"
    await sign_in(world, PASSWORD)
    assert query_of(await arrive(world, prompt="none", acr_values=PASSKEY))["error"] == "consent_required"
    assert query_of(await arrive(world, prompt="none", claims=essential(PASSKEY)))["error"] == "login_required"
    assert query_of(await arrive(world, prompt="none", max_age="0", state="x"))["error"] == "consent_required"
    world.clock.pass_seconds(1)
    assert query_of(await arrive(world, prompt="none", max_age="0"))["error"] == "login_required"


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent", "select_account consent"])
async def test_who_is_signed_in_has_to_sign_in_again_where_asked(world: World, prompt: str) -> None:
    """Covers: check 16; prompt=login and select_account."""
    await sign_in(world, PASSWORD)
    to = await arrive(world, prompt=prompt)
    assert to.startswith("/sign-in?")
    with pytest.raises(LoginRequired):
        await world.interaction.question(handle_of(to), world.session)  # type: ignore[arg-type]
    await sign_in(world, PASSWORD)
    assert type(await come(world, handle_of(to))).__name__ == "Question"


@pytest.mark.parametrize("prompt", ["login", "select_account"])
async def test_a_link_that_another_browser_opened_first_makes_no_old_sign_in_new(world: World, prompt: str) -> None:
    """Covers: check 16 (who has somebody's unlocked browser opens the link in their own first)."""
    await sign_in(world, PASSWORD)
    theirs, world.session = world.session, None
    world.clock.pass_seconds(300)
    to = await arrive(world, prompt=prompt)
    world.session = theirs
    assert type(await come(world, handle_of(to))).__name__ == "SignIn"
    with pytest.raises(LoginRequired):
        await world.interaction.question(handle_of(to), world.session)  # type: ignore[arg-type]
    await sign_in(world, PASSWORD)
    assert type(await come(world, handle_of(to))).__name__ == "Question"


async def test_what_the_registration_asks_by_default_is_asked(world: World) -> None:
    """Covers: check 17; default_max_age and default_acr_values, which a request may replace."""
    import msgspec

    strict = msgspec.structs.replace(PUBLIC, default_max_age=60, default_acr=(MFA,), default_scopes=("bank.balances",))
    await world.register(strict)
    await sign_in(world, MFA)
    assert "/consent/" in await arrive(world)
    world.clock.pass_seconds(61)
    assert "/sign-in" in await arrive(world)
    assert "/consent/" in await arrive(world, max_age="1000")
    await sign_in(world, PASSWORD)
    assert "/sign-in" in await arrive(world)
    assert "/consent/" in await arrive(world, acr_values=PASSWORD)
    await sign_in(world, MFA)
    offer = await world.look(handle_of(await arrive(world, scope=None)), world.session)  # type: ignore[arg-type]
    assert {line.datatype for line in offer.lines} == {"accounts"}  # type: ignore[union-attr]


async def test_claims_name_the_person_who_is_expected(world: World) -> None:
    """Covers: check 18; OIDC Core §5.5.1 (sub)."""
    await sign_in(world, PASSWORD)
    subject = world.server.keys.pairwise.subject(PUBLIC.sector_host, world.people["ada"])
    for who, expected in ((subject, "/consent/"), ("somebody-else", "error=login_required")):
        claims = json.dumps({"id_token": {"sub": {"value": who}}})
        assert expected in await arrive(world, claims=claims)


@pytest.mark.parametrize(
    "claims",
    ["{", "[]", '{"id_token": []}', '{"id_token": {"acr": 7}}', '{"userinfo": {"sub": {"values": 1}}}',
     json.dumps({"id_token": {f"c{number}": None for number in range(65)}}),
     json.dumps({"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}})],
)  # fmt: skip
async def test_malformed_claims_are_refused_and_unknown_ones_ignored(world: World, claims: str) -> None:
    """Covers: check 14; claims parameter, bad input."""
    assert query_of(await arrive(world, claims=claims))["error"] == "invalid_request"
    await sign_in(world, PASSWORD)
    unknown = json.dumps({"id_token": {"colour": {"essential": True}}, "userinfo": {"height": None}, "other": 1})
    assert "/consent/" in await arrive(world, claims=unknown, display="page", claims_locales="de", ui_locales="de en")


async def test_a_hint_of_who_signs_in_is_told_to_the_page_alone(world: World) -> None:
    """Covers: login_hint (OIDC Core §3.1.2.1)."""
    waiting = await world.interaction.open(handle_of(await arrive(world, login_hint="ada@example.org")))
    assert waiting.login_hint == "ada@example.org"
    assert (await world.interaction.open(handle_of(await arrive(world)))).login_hint == ""


async def test_who_answered_before_is_not_asked_again_after_signing_in(world: World) -> None:
    """Covers: check 41; the way by the sign-in is as silent as the one without."""
    await world.connect(world.app())
    world.session = None
    to = await arrive(world)
    assert to.startswith("/sign-in?")
    await sign_in(world, PASSWORD)
    assert "code" in query_of((await come(world, handle_of(to))).answer)
