"""What ID tokens say of a sign-in, signed as each client asked, and what a code is worth when its session is over."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from grantline.authorization import Keys
from grantline.authorization.keys import KeyRing
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.crypto.private_keys import generate, read
from grantline.parties import Algorithms, Client, Logout, SubjectType
from grantline.sdk.client import AccessRefused, Tokens
from tests.authorization_world import PUBLIC, World, make_world
from tests.flows.authorization.raw import claims_of

ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")
FULL = {"ES256": hashlib.sha256, "PS256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}
SCOPE = "openid bank.transactions"


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[World]:
    """A server that signs with every algorithm."""
    ring = KeyRing.of(*(read(generate(alg), alg) for alg in ALGORITHMS))
    world = await make_world(tmp_path / "state.db", keys=Keys.of(ring, b"k" * 32))
    yield world
    await world.close()


async def connect(world: World, scope: str = SCOPE, **differently: Any) -> Tokens:
    """Tokens of the app, registered differently."""
    client = msgspec.structs.replace(PUBLIC, **differently)
    await world.register(client)
    return await world.connect(world.app(client), scope, nonce="n-1", prompt="consent")


async def verified(world: World, token: str | None, alg: str) -> dict[str, Any]:
    """The claims, verified by another library by the published keys."""
    keys = KeySet.import_key_set((await world.http.get("/jwks")).json())
    return dict(jwt.decode(token or "", keys, algorithms=[alg]).claims)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_at_hash_is_half_of_the_hash_that_belongs_to_the_algorithm(many: World, alg: str) -> None:
    """Covers: check 123; line 7; signed with the algorithm that the client registered."""
    tokens = await connect(many, algorithms=Algorithms(id_token=alg))
    digest = FULL[alg](tokens.access_token.encode()).digest()
    claims = await verified(many, tokens.id_token, alg)
    assert claims["at_hash"] == b64url(digest[: len(digest) // 2])
    assert claims["sub"] == claims_of(tokens.access_token)["sub"]


async def test_an_id_token_tells_level_and_methods_of_the_sign_in(world: World) -> None:
    """Covers: line 7; check 57; OIDC Core §2 (`acr`, `amr`)."""
    old = await world.sign_in()
    secret = old.secret
    world.session = await world.database.write(
        lambda tx: world.sessions.begin(tx, old.person, ("pwd", "otp", "mfa"), secret, acr="urn:grantline:acr:mfa")  # type: ignore[arg-type]
    )
    claims = claims_of((await connect(world)).id_token or "")
    assert (claims["acr"], claims["amr"]) == ("urn:grantline:acr:mfa", ["pwd", "otp", "mfa"])
    assert "azp" not in claims


async def test_a_refresh_gives_an_id_token_about_the_same_sign_in(world: World) -> None:
    """Covers: OIDC Core §12.2; line 7."""
    app = world.app()
    first = await world.connect(app, SCOPE, nonce="n-1")
    world.clock.pass_seconds(100)
    second = await app.refresh(first.refresh_token or "")
    before, after = claims_of(first.id_token or ""), claims_of(second.id_token or "")
    same = ("iss", "sub", "aud", "auth_time", "acr", "amr")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["iat"] == before["iat"] + 100
    assert "nonce" not in after
    assert after["at_hash"] != before["at_hash"]


async def test_a_refresh_without_openid_gives_no_id_token(world: World) -> None:
    """Covers: OIDC Core §12.2."""
    app = world.app()
    first = await world.connect(app)
    assert (await app.refresh(first.refresh_token or "")).id_token is None


async def test_only_clients_that_asked_for_it_learn_the_sessions_name(world: World) -> None:
    """Covers: OIDC Back-Channel Logout §2.1 (`sid`); each client has a name of its own for a session."""
    plain = claims_of((await connect(world)).id_token or "")
    assert "sid" not in plain
    heard = Logout(backchannel_uri="https://app.example/out", backchannel_session=True)
    one = claims_of((await connect(world, logout=heard)).id_token or "")
    again = claims_of((await connect(world, logout=heard)).id_token or "")
    other = claims_of((await connect(world, id="other", logout=heard)).id_token or "")
    assert one["sid"] == again["sid"] != other["sid"]
    await world.sign_in("ben")
    ben = claims_of((await connect(world, logout=heard)).id_token or "")
    assert ben["sid"] != one["sid"]


async def test_who_signs_in_again_keeps_the_sessions_name(world: World) -> None:
    """Covers: OIDC Back-Channel Logout §2.1; the same person in the same browser has not left."""
    heard = Logout(backchannel_uri="https://app.example/out", backchannel_session=True)
    one = claims_of((await connect(world, logout=heard)).id_token or "")
    await world.sign_in()
    again = claims_of((await connect(world, logout=heard)).id_token or "")
    assert again["sid"] == one["sid"]


async def test_subjects_are_pairwise_by_sector_or_public_for_all(world: World) -> None:
    """Covers: check 122; OIDC Core §8."""
    elsewhere = ("https://other.example/cb",)

    async def sub(**differently: Any) -> str:
        return str(claims_of((await connect(world, **differently)).id_token or "")["sub"])

    own = await sub()
    assert own == await sub(id="same-sector") != await sub(id="other-sector", redirect_uris=elsewhere)
    public = await sub(id="public-1", subject_type=SubjectType.PUBLIC)
    assert public == await sub(id="public-2", subject_type=SubjectType.PUBLIC, redirect_uris=elsewhere)
    assert public != own
    assert world.people["ada"] not in public


async def waiting_code(world: World, client: Client = PUBLIC) -> tuple[Any, Any, str]:
    """A code that the app has not redeemed yet."""
    app = world.app(client)
    begun = await app.begin(scope=SCOPE)
    return app, begun, await world.allow(begun)


async def test_a_code_dies_with_the_password_by_which_it_was_got(world: World) -> None:
    """Covers: check 89; a new password within the code's 60 seconds leaves nothing to begin with."""
    from grantline.identity.passwords import end_with_password

    app, begun, url = await waiting_code(world)
    person = world.people["ada"]
    ending = (world.clock, world.server.randomness, None)
    await world.database.write(lambda tx: end_with_password(tx, person, *ending))  # type: ignore[arg-type]
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.finish(begun, url)
    kinds = {event.type for event in await world.events()}
    assert "token.issued@1" not in kinds


async def test_a_code_dies_with_its_session(world: World) -> None:
    """Covers: check 59; signing out before the app came for its tokens."""
    session = await world.sign_in()
    app, begun, url = await waiting_code(world)
    await world.sessions.end(session)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.finish(begun, url)


async def test_a_code_outlives_a_second_sign_in_of_the_same_person_alone(world: World) -> None:
    """Covers: check 57; a step up in another tab takes nothing away, another person's sign-in does."""
    app, begun, url = await waiting_code(world)
    await world.sign_in()
    assert (await app.finish(begun, url)).id_token
    app, begun, url = await waiting_code(world)
    await world.sign_in("ben")
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.finish(begun, url)


def test_every_algorithm_that_signs_has_its_hash() -> None:
    """Covers: check 123; a new algorithm cannot come without."""
    from grantline.authorization.tokens.id_token import HASHES
    from grantline.crypto.signing import ALGORITHMS as ALL

    assert set(HASHES) == set(ALL)
    assert SigningKey.generate().public.alg in HASHES
