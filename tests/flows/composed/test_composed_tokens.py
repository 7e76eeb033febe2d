"""Tokens and proofs as a thief would use them, at the two gateways that run."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import time
from typing import Any

import httpx2
import pytest

from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.es256 import SigningKey
from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)


def taken_apart(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return json.loads(unb64url(header)), json.loads(unb64url(claims))


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{b64url(json.dumps(header).encode())}.{b64url(json.dumps(claims).encode())}"


async def refused(http: httpx2.AsyncClient, world: WholeWorld, token: str) -> set[tuple[int, str]]:
    """Status and reason of this bearer token at both gateways."""
    headers = {"authorization": f"Bearer {token}"}
    answers = [await http.get(url, headers=headers) for url in (world.bank + "/accounts", world.calendar + "/events")]
    return {(answer.status_code, answer.json().get("reason", "")) for answer in answers}


async def test_no_forged_token_and_no_other_kind_of_token_opens_anything(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: check 110, 111, 157."""
    world.register("forger", dpop_bound=False)
    app = await world.connect(http, "forger", bound=False, scope="openid bank.balances calendar.events")
    header, claims = taken_apart(app.tokens.access_token)
    keys = (await http.get(world.authority + "/jwks")).json()["keys"]
    published = next(key for key in keys if key["kid"] == header["kid"])
    mine = SigningKey.generate()
    longer = unsigned(header, claims | {"exp": claims["exp"] + 3_600})
    secret = json.dumps(published).encode()
    symmetric = unsigned(header | {"alg": "HS256"}, claims)
    forged = [
        unsigned(header | {"alg": "none"}, claims) + ".",
        unsigned(header | {"alg": "NONE"}, claims) + "." + app.tokens.access_token.split(".")[2],
        symmetric + "." + b64url(hmac.digest(secret, symmetric.encode(), "sha256")),
        mine.sign_jws(json.dumps(claims).encode(), "at+jwt"),
        mine.sign_jws(json.dumps(claims | {"iss": "https://other.example"}).encode(), "at+jwt"),
        unsigned(header | {"jwk": mine.public.jwk}, claims) + "." + app.tokens.access_token.split(".")[2],
        longer + "." + app.tokens.access_token.split(".")[2],
        app.tokens.access_token + "=", app.tokens.access_token[:-4], app.tokens.access_token + ".x",
    ]  # fmt: skip
    assert app.tokens.id_token is not None
    assert app.tokens.refresh_token is not None
    for token in (*forged, app.tokens.id_token, app.tokens.refresh_token):
        assert await refused(http, world, token) == {(401, "token_invalid")}, token
    assert await refused(http, world, app.tokens.access_token) == {(200, "")}


async def test_a_token_for_one_api_opens_no_other(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: check 157."""
    world.register("one-api", dpop_bound=False)
    app = await world.connect(http, "one-api", bound=False, scope="calendar.events")
    assert await refused(http, world, app.tokens.access_token) == {(401, "token_invalid"), (200, "")}


async def _proof(app: Connected, http: httpx2.AsyncClient, url: str, method: str = "GET") -> dict[str, str]:
    """A proof with this gateway's own nonce."""
    first = await http.get(url, headers=app.prover.headers(method, url, app.tokens.access_token))
    return app.prover.headers(method, url, app.tokens.access_token, first.headers["dpop-nonce"])


async def _reason(http: httpx2.AsyncClient, url: str, headers: Any) -> tuple[int, str]:
    answer = await http.get(url, headers=headers)
    told = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, answer.json()["reason"] if told else ""


async def test_a_proof_is_good_once_at_one_gateway_and_a_bound_token_is_no_bearer_token(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: check 98, 99, 102, 103; line 3."""
    world.register("thief")
    app = await world.connect(http, "thief")
    bank, calendar = world.bank + "/accounts", world.calendar + "/events"
    used = await _proof(app, http, bank)
    assert await _reason(http, bank, used) == (200, "")
    assert await _reason(http, bank, used) == (401, "proof_replayed")
    assert await _reason(http, calendar, used) == (401, "proof_invalid")
    assert await _reason(http, bank + "/acc-4821", await _proof(app, http, bank)) == (401, "proof_invalid")
    nonce = (await _proof(app, http, bank))["dpop"]
    at_bank = taken_apart(nonce)[1]["nonce"]
    elsewhere = app.prover.headers("GET", calendar, app.tokens.access_token, at_bank)
    assert (await _reason(http, calendar, elsewhere))[1] == "proof_nonce"
    bearer = {"authorization": f"Bearer {app.tokens.access_token}"}
    assert await _reason(http, bank, bearer) == (401, "proof_missing")
    proof = await _proof(app, http, bank)
    assert await _reason(http, bank, bearer | {"dpop": proof["dpop"]}) == (401, "proof_missing")
    for api in (bank, calendar):
        fresh = await _proof(app, http, api)
        two_proofs = [*fresh.items(), ("dpop", fresh["dpop"])]
        assert await _reason(http, api, two_proofs) == (401, "proof_invalid")
        both = [*fresh.items(), ("authorization", bearer["authorization"])]
        assert (await _reason(http, api, both))[0] in {400, 401}


async def test_a_proof_from_before_a_restart_is_refused(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: check 99; line 3."""
    world.register("patient")
    app = await world.connect(http, "patient")
    url = world.bank + "/accounts"
    kept = await _proof(app, http, url)
    os.kill(world.pid("--role gateway --gateway bank"), signal.SIGKILL)
    began = time.monotonic()
    while (found := await _reason(http, url, kept))[0] == 503:
        assert time.monotonic() - began < 30
        await asyncio.sleep(0.05)
    assert found == (401, "proof_nonce")
    while (await app.get(url)).status_code == 503:
        assert time.monotonic() - began < 30
        await asyncio.sleep(0.05)
    assert (await app.get(url)).status_code == 200


@pytest.mark.parametrize("given_back", ["access_token", "refresh_token"])
async def test_a_token_given_back_is_dead_at_both_gateways(
    world: WholeWorld, http: httpx2.AsyncClient, given_back: str
) -> None:
    """Covers: line 3, check 119."""
    name = "back-" + hashlib.sha256(given_back.encode()).hexdigest()[:6]
    world.register(name, dpop_bound=False)
    app = await world.connect(http, name, bound=False)
    assert await refused(http, world, app.tokens.access_token) == {(200, "")}
    await app.client.revoke(getattr(app.tokens, given_back))
    began = time.monotonic()
    while {status for status, _ in await refused(http, world, app.tokens.access_token)} != {401}:
        assert time.monotonic() - began < 1
        await asyncio.sleep(0.01)
