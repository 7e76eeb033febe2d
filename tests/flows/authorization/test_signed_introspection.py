"""Introspection answers that are signed for whoever asked (RFC 9701)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import orjson
import pytest

from grantline.authorization import Keys
from grantline.authorization.keys import KeyRing
from grantline.authorization.tokens.introspection_answer import MEDIA_TYPE, TYP
from grantline.crypto.encoding import unb64url
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.crypto.private_keys import generate, read
from grantline.crypto.signing import ALGORITHMS
from grantline.parties import Algorithms
from grantline.sdk.client import Prover, Tokens
from tests.authorization_world import ISSUER, World, make_world
from tests.flows.authorization.test_introspection import BANK_KEY, api
from tests.grants_world import BANK, CALENDAR

SIGNING = ("ES256", "PS256", "EdDSA")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A server that signs with several algorithms."""
    ring = KeyRing.of(*(read(generate(alg), alg) for alg in SIGNING))
    made = await make_world(tmp_path / "state.db", keys=Keys.of(ring, b"k" * 32))
    yield made
    await made.close()


@pytest.fixture
async def tokens(world: World) -> Tokens:
    await world.register(api("bank", BANK), api("cal", CALENDAR))
    return await world.connect(world.app(), "bank.transactions openid")


async def ask(world: World, token: str, accept: str | None = MEDIA_TYPE, caller: str = "bank") -> httpx2.Response:
    proving = Prover(caller, None, BANK_KEY, world.clock, world.server.randomness).client_parameters(ISSUER)
    headers = {} if accept is None else {"accept": accept}
    return await world.http.post("/introspect", data={"token": token, **proving}, headers=headers)


def opened(world: World, answer: httpx2.Response) -> dict[str, Any]:
    """The claims, verified with our published keys."""
    return dict(orjson.loads(verify_jws(answer.text, world.server.keys.find, TYP, ALGORITHMS)))


async def test_the_answer_is_signed_for_the_caller_and_says_in_one_claim_what_json_would(
    world: World, tokens: Tokens
) -> None:
    """Covers: line 4 (signed introspection); RFC 9701 §5."""
    answer = await ask(world, tokens.access_token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert answer.headers["cache-control"] == "no-store"
    plain = (await ask(world, tokens.access_token, None)).json()
    claims = opened(world, answer)
    assert claims == {"iss": ISSUER, "aud": "bank", "iat": world.server.now(), "token_introspection": plain}
    assert plain["active"] is True


async def test_of_what_is_no_business_of_the_caller_it_says_no_more_than_json_does(
    world: World, tokens: Tokens
) -> None:
    """Covers: check 116, 117; RFC 9701 §5."""
    for caller, token in (("cal", tokens.access_token), ("bank", "nonsense"), ("bank", tokens.refresh_token or "")):
        assert opened(world, await ask(world, token, caller=caller))["token_introspection"] == {"active": False}


@pytest.mark.parametrize(
    ("accept", "signed"),
    [
        (MEDIA_TYPE, True),
        (MEDIA_TYPE.upper(), True),
        (f"application/json;q=0.5, {MEDIA_TYPE} ; q=0.9", True),
        (f"{MEDIA_TYPE};q=0, application/json", False),
        (f"{MEDIA_TYPE};q=0.000", False),
        ("*/*", False),
        ("application/json", False),
        (f"text/{TYP}", False),
        (None, False),
    ],
)
async def test_it_is_signed_where_the_caller_asks_for_that_by_name(
    world: World, tokens: Tokens, accept: str | None, signed: bool
) -> None:
    """Covers: RFC 9701 §4."""
    answer = await ask(world, tokens.access_token, accept)
    assert answer.headers["content-type"] == (MEDIA_TYPE if signed else "application/json")


@pytest.mark.parametrize("alg", SIGNING)
async def test_the_registered_algorithm_signs(world: World, tokens: Tokens, alg: str) -> None:
    """Covers: RFC 9701 §6 (introspection_signed_response_alg)."""
    await world.register(msgspec.structs.replace(api("bank", BANK), algorithms=Algorithms(introspection=alg)))
    answer = await ask(world, tokens.access_token)
    assert orjson.loads(unb64url(answer.text.split(".")[0]))["alg"] == alg
    assert opened(world, answer)["token_introspection"]["active"] is True


async def test_an_answer_opens_nothing(world: World, tokens: Tokens) -> None:
    """Covers: check 111; RFC 9701 §8.1: neither an access token, nor one with its type changed."""
    answer = (await ask(world, tokens.access_token)).text
    assert (await ask(world, answer, None)).json() == {"active": False}
    assert (await world.http.get("/userinfo", headers={"authorization": f"Bearer {answer}"})).status_code == 401
    with pytest.raises(InvalidJws):
        verify_jws(answer, world.server.keys.find, "at+jwt", ALGORITHMS)


async def test_the_metadata_names_the_algorithms(world: World) -> None:
    """Covers: check 126; RFC 9701 §7."""
    said = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert said["introspection_signing_alg_values_supported"] == list(world.server.keys.algorithms)
    assert "introspection_encryption_alg_values_supported" not in said
