"""A confidential client proves itself with a short statement, once, signed by its registered key."""

from typing import Any

import msgspec
import orjson
import pytest

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client.proving import ASSERTION_TYPE
from tests.authorization_world import APP_KEY, CONFIDENTIAL, ISSUER, T0, World
from tests.flows.authorization.raw import REQUEST, post

CLAIMS: dict[str, Any] = {
    "iss": CONFIDENTIAL.id, "sub": CONFIDENTIAL.id, "aud": ISSUER, "exp": T0 + 60, "iat": T0, "jti": "one",
}  # fmt: skip
REQUESTED = {**REQUEST, "client_id": None, "redirect_uri": CONFIDENTIAL.redirect_uris[0]}


def assertion(key: SigningKey = APP_KEY, header: dict[str, Any] | None = None, **changes: Any) -> dict[str, str]:
    """The form part of an assertion; `changes` to the claims (None leaves one out), `header` to the header."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    head = {"alg": "ES256", "typ": "JWT", "kid": APP_KEY.public.kid, **(header or {})}
    message = f"{b64url(orjson.dumps(head))}.{b64url(orjson.dumps(claims))}"
    signed = f"{message}.{b64url(key.sign(message.encode()))}"
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


async def push(world: World, form: dict[str, Any]) -> tuple[int, str]:
    answer = await post(world, "/par", {**REQUESTED, **form})
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.parametrize(
    "right",
    [
        {},
        {"exp": T0 + 300},
        {"exp": T0 - 9},
        {"nbf": T0 + 8},
        {"iat": T0 + 8},
        {"iat": None},
        {"extra": "claim"},
    ],
)
async def test_a_right_assertion_is_taken(world: World, right: dict[str, Any]) -> None:
    """Covers: check 75; par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted."""
    assert await push(world, assertion(**right)) == (201, "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": [ISSUER]},
        {"aud": ISSUER + "/token"},
        {"aud": ISSUER + "/par"},
        {"aud": ISSUER + "/"},
        {"aud": None},
        {"iss": "budget"},
        {"sub": None},
        {"exp": None},
        {"exp": T0 - 300},
        {"exp": T0 - 60},
        {"exp": T0 + 3_600},
        {"nbf": T0 + 61},
        {"iat": T0 + 61},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 257},
    ],
    ids=str,
)
async def test_a_wrong_claim_is_refused(world: World, wrong: dict[str, Any]) -> None:
    """Covers: check 73, 74, 75, 76."""
    assert await push(world, assertion(**wrong)) == (401, "invalid_client")


OTHER = SigningKey.generate()


@pytest.mark.parametrize(
    ("key", "header"),
    [
        pytest.param(OTHER, {}, id="another key"),
        pytest.param(OTHER, {"jwk": OTHER.public.jwk}, id="a key brought along"),
        pytest.param(OTHER, {"kid": OTHER.public.kid, "jku": "https://evil.example/jwks"}, id="keys elsewhere"),
        pytest.param(OTHER, {"kid": "../../dev/null"}, id="a path as key id"),
        pytest.param(OTHER, {"kid": "' OR 1=1 --"}, id="a statement as key id"),
        pytest.param(APP_KEY, {"alg": "none"}, id="none"),
        pytest.param(APP_KEY, {"alg": "HS256"}, id="HS256"),
        pytest.param(APP_KEY, {"alg": "RS256"}, id="RS256"),
        pytest.param(APP_KEY, {"alg": "PS256"}, id="PS256"),
        pytest.param(APP_KEY, {"crit": ["b64"], "b64": False}, id="an unknown critical header"),
        pytest.param(APP_KEY, {"typ": "at+jwt"}, id="an access token's type"),
        pytest.param(APP_KEY, {"typ": "dpop+jwt"}, id="a proof's type"),
        pytest.param(APP_KEY, {"kid": "unknown"}, id="an unknown key id"),
    ],
)
async def test_only_the_registered_key_and_algorithm_count(
    world: World, key: SigningKey, header: dict[str, Any]
) -> None:
    """Covers: check 77, 78, 79."""
    assert await push(world, assertion(key, header)) == (401, "invalid_client")


async def test_an_assertion_counts_once_also_where_the_request_failed(world: World) -> None:
    """Covers: check 76."""
    once = assertion()
    assert await push(world, once) == (201, "")
    assert await push(world, once) == (401, "invalid_client")
    token = {"grant_type": "refresh_token", "refresh_token": "nothing", **assertion(jti="two")}
    assert (await post(world, "/token", token)).json()["error"] == "invalid_grant"
    assert (await post(world, "/token", token)).json()["error"] == "invalid_client"


async def test_one_way_to_prove_and_the_registered_one(world: World) -> None:
    """Covers: check 69, 70, 72; ensure-client-id-in-token-endpoint."""
    basic = {"authorization": "Basic bGVkZ2VybHk6eA=="}
    two = await post(world, "/par", {**REQUESTED, **assertion()}, **basic)
    assert (two.status_code, two.json()["error"]) == (400, "invalid_request")
    alone = await post(world, "/par", REQUESTED, **basic)
    assert (alone.status_code, alone.json()["error"]) == (401, "invalid_client")
    assert "Basic" in alone.headers["www-authenticate"]
    assert "www-authenticate" not in (await post(world, "/par", {**REQUESTED, "client_id": "nobody"})).headers
    assert await push(world, {"client_id": CONFIDENTIAL.id}) == (401, "invalid_client")
    assert await push(world, {"client_id": "budget", **assertion()}) == (401, "invalid_client")
    assert await push(world, {"client_id": CONFIDENTIAL.id, **assertion()}) == (201, "")
    assert await push(world, {**assertion(jti="b"), "client_assertion_type": "x"}) == (401, "invalid_client")
    assert await push(world, {**assertion(jti="c"), "client_assertion_type": None}) == (401, "invalid_client")
    assert await push(world, {**assertion(jti="d"), "client_secret": "s"}) == (400, "invalid_request")


async def test_a_stopped_client_gets_nothing_and_gateways_hear_of_it(world: World) -> None:
    """Covers: ARCHITECTURE.md idea 2 (cut-off of a client)."""
    from grantline.parties.clients import Standing

    tokens = await world.connect(world.app(CONFIDENTIAL))
    await world.register(msgspec.structs.replace(CONFIDENTIAL, status=Standing.DISABLED))
    entry = (await world.feed())[-1]
    assert (entry["kind"], entry["id"], entry["before_position"]) == ("client", CONFIDENTIAL.id, [1, entry["seq"]])
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, **assertion()}
    assert (await post(world, "/token", refresh)).json()["error"] == "invalid_client"
