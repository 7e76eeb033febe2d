"""Refresh tokens: rotation, honest repeats, and the end of a family."""

import asyncio
import re

import msgspec
import pytest

from grantline.authorization import Settings
from grantline.crypto.es256 import SigningKey
from grantline.model.events import EventType
from grantline.parties import read_client
from grantline.sdk.client import AccessRefused, Tokens
from tests.authorization_world import APP_KEY, CALLBACK, CONFIDENTIAL, PUBLIC, World, make_world
from tests.flows.authorization.raw import claims_of, post

DATABASES = ("sqlite", "postgres")


def refresh_of(tokens: Tokens) -> str:
    assert tokens.refresh_token is not None
    return tokens.refresh_token


async def test_a_refresh_gives_a_new_access_token_and_the_next_refresh_token(world: World) -> None:
    """Covers: line 3; check 85, 87."""
    app = world.app()
    first = await world.connect(app)
    second = await app.refresh(refresh_of(first))
    assert second.refresh_token != first.refresh_token
    one, two = claims_of(first.access_token), claims_of(second.access_token)
    assert one["jti"] != two["jti"]
    same = ("sub", "grant_id", "fam", "scope", "aud", "pur", "cnf", "gver")
    assert {name: one[name] for name in same} == {name: two[name] for name in same}
    assert second.authorization_details == first.authorization_details
    assert [event.type for event in await world.events()][-1] is EventType.TOKEN_REFRESHED


async def test_the_last_token_repeated_soon_gets_the_same_successor(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens" (a lost answer); check 86."""
    app = world.app()
    first = await world.connect(app)
    second = await app.refresh(refresh_of(first))
    world.clock.pass_seconds(30)
    again = await app.refresh(refresh_of(first))
    assert again.refresh_token == second.refresh_token
    assert (await app.refresh(refresh_of(second))).refresh_token != second.refresh_token
    assert await world.endings() == []


async def test_the_last_token_repeated_late_ends_the_family_and_never_the_consent(world: World) -> None:
    """Covers: check 85; D9 (refresh replay)."""
    app = world.app()
    first = await world.connect(app)
    second = await app.refresh(refresh_of(first))
    world.clock.pass_seconds(31)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(first))
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(second))
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"]) == ("family", claims_of(first.access_token)["fam"])
    findings = [event for event in await world.events() if event.type is EventType.FINDING]
    assert [event.rsn for event in findings] == ["refresh_replayed"]
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"]))
    assert state.status == "active"


async def test_an_older_token_ends_the_family_even_at_once(world: World) -> None:
    """Covers: check 85."""
    app = world.app()
    first = await world.connect(app)
    second = await app.refresh(refresh_of(first))
    third = await app.refresh(refresh_of(second))
    for token in (first, third):
        with pytest.raises(AccessRefused, match="invalid_grant"):
            await app.refresh(refresh_of(token))
    assert len(await world.endings()) == 1


async def test_a_client_that_can_prove_nothing_may_not_repeat(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens"; check 85."""
    bearer = msgspec.structs.replace(PUBLIC, id="plain", dpop_bound=False)
    await world.register(bearer)
    app = world.app(bearer)
    first = await world.connect(app)
    assert first.token_type == "Bearer"
    await app.refresh(refresh_of(first))
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(first))
    assert len(await world.endings()) == 1


async def test_a_confidential_client_may_repeat(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens"."""
    app = world.app(CONFIDENTIAL)
    first = await world.connect(app)
    second = await app.refresh(refresh_of(first))
    assert (await app.refresh(refresh_of(first))).refresh_token == second.refresh_token


async def test_simultaneous_refreshes_leave_one_living_successor(world: World) -> None:
    """Covers: check 86."""
    app = world.app()
    first = await world.connect(app)
    answers = await asyncio.gather(*(app.refresh(refresh_of(first)) for _ in range(6)))
    assert len({answer.refresh_token for answer in answers}) == 1


async def test_another_key_or_client_can_neither_use_nor_end_it(world: World) -> None:
    """Covers: check 88, 109."""
    key = SigningKey.generate()
    app = world.app(dpop=key)
    tokens = await world.connect(app)
    form = {"grant_type": "refresh_token", "client_id": "budget", "refresh_token": refresh_of(tokens)}
    assert (await post(world, "/token", form, SigningKey.generate())).json()["error"] == "invalid_grant"
    await world.register(msgspec.structs.replace(PUBLIC, id="other"))
    stolen = {**form, "client_id": "other"}
    assert (await post(world, "/token", stolen, key)).json()["error"] == "invalid_grant"
    assert await world.endings() == []
    await app.refresh(refresh_of(tokens))


async def test_a_token_changed_by_a_letter_is_nothing(world: World) -> None:
    """Covers: check 113 for refresh tokens."""
    key = SigningKey.generate()
    tokens = await world.connect(world.app(dpop=key))
    good = refresh_of(tokens)
    family, generation, proof = good.split(".")
    changed = (
        good[:-1],
        f"{family}.{int(generation) + 1}.{proof}",
        f"{family}.{generation}.{'A' * 43}",
        f"f_{'A' * 22}.{generation}.{proof}",
        f"{family}.0{generation}.{proof}",
        good + " ",
    )
    for token in changed:
        form = {"grant_type": "refresh_token", "client_id": "budget", "refresh_token": token}
        assert (await post(world, "/token", form, key)).json()["error"] == "invalid_grant"
    assert await world.endings() == []


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
async def test_nobody_who_reads_the_database_can_make_a_token(world: World) -> None:
    """Covers: refresh tokens are kept neither in clear nor as something that makes them."""
    tokens = await world.connect(world.app())
    proof = refresh_of(tokens).split(".")[2].encode()
    files = [file for file in world.path.parent.iterdir() if file.name.startswith("state.db")]
    assert all(not re.search(re.escape(proof), file.read_bytes()) for file in files)
    other = await make_world(world.path, fresh=False, clock=world.clock, seed=9)
    thief = other.app()
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await thief.refresh(refresh_of(tokens))
    await other.close()


async def test_a_refresh_cannot_widen_anything(world: World) -> None:
    """Covers: check 87."""
    app = world.app()
    tokens = await world.connect(app)
    for more, error in (
        ({"scope": "bank.transactions bank.balances"}, "invalid_scope"),
        ({"resource": "https://calendar.example/api"}, "invalid_target"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ):
        with pytest.raises(AccessRefused, match=error):
            await app.refresh(refresh_of(tokens), **more)
    tokens = await app.refresh(refresh_of(tokens), scope="bank.transactions")
    assert tokens.scope == "bank.transactions"
    # Some clients repeat all that they asked for.
    again = await app.refresh(refresh_of(tokens), scope="bank.transactions offline_access")
    assert again.scope == "bank.transactions"


async def test_a_family_ends_when_unused_and_when_old(world: World) -> None:
    """Covers: check 90."""
    settings = Settings(refresh_idle=10, refresh_absolute=25)
    object.__setattr__(world.server, "settings", settings)
    app = world.app()
    idle = await world.connect(app)
    world.clock.pass_seconds(10)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(idle))
    old = await world.connect(world.app())
    tokens = old
    app = world.app()
    tokens = await world.connect(app, prompt="consent")
    for _ in range(4):
        world.clock.pass_seconds(6)
        tokens = await app.refresh(refresh_of(tokens))
    world.clock.pass_seconds(6)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(tokens))


async def test_withdrawing_ends_refreshing_at_once(world: World) -> None:
    """Covers: I3; check 52, 89."""
    app = world.app()
    tokens = await world.connect(app)
    person = world.people["ada"]
    consent = tokens.grant_id
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=consent, person=person))  # type: ignore[arg-type]
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(tokens))


async def test_the_fapi_profile_does_not_rotate(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens" (profile fapi2); check 65, 87."""
    client = read_client(
        {
            "id": "fapi", "name": "Fapi", "publisher": "F Ltd", "web": "https://f.example", "profile": "fapi2",
            "redirect_uris": [CALLBACK], "auth": "private_key_jwt", "jwks": [APP_KEY.public.jwk],
            "scopes": ["bank.transactions"], "grants": ["authorization_code", "refresh_token"],
        }
    )  # fmt: skip
    await world.register(client)
    app = world.app(client)
    tokens = await world.connect(app)
    for _ in range(3):
        world.clock.pass_seconds(60)
        assert (await app.refresh(refresh_of(tokens))).refresh_token == tokens.refresh_token
    plain = await world.browse(
        f"/authorize?client_id=fapi&response_type=code&redirect_uri={CALLBACK}&code_challenge={'a' * 43}"
        "&code_challenge_method=S256"
    )
    assert "error=invalid_request" in plain.headers["location"]
