"""The one client that may leave PKCE out, and what it has to send instead (RFC 9700 §2.1.1)."""

from urllib.parse import urlencode

import pytest

from grantline.parties import read_client
from grantline.sdk.client import Begun, Prover
from tests.authorization_world import APP_KEY, ISSUER, World, query_of
from tests.flows.authorization.raw import CHALLENGE, VERIFIER, claims_of, post
from tests.flows.authorization.signed_requests import _BASE, BACK, push

EXEMPT = read_client(
    {
        **_BASE,
        "id": "exempt",
        "profile": "oidc",
        "require_pkce": False,
        "default_scopes": [],
        "scopes": ["bank.transactions", "openid"],
    }
)
PLAIN = {
    "client_id": "exempt", "response_type": "code", "redirect_uri": BACK, "scope": "openid bank.transactions",
    "state": "s" * 2_000, "nonce": "n" * 384,
}  # fmt: skip


@pytest.fixture(autouse=True)
async def _registered(world: World) -> None:
    await world.register(EXEMPT)


async def code(world: World, **changes: str) -> dict[str, str]:
    """What comes back after the person allowed it."""
    await world.sign_in()
    back = await world.allow(Begun(f"/authorize?{urlencode({**PLAIN, 'prompt': 'consent', **changes})}", "", "", ""))
    return query_of(back)


async def redeem(world: World, code: str, **more: str) -> tuple[int, dict[str, str]]:
    prover = Prover("exempt", None, APP_KEY, world.clock, world.server.randomness)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **more}
    answer = await post(world, "/token", {**form, **prover.client_parameters(ISSUER)})
    return answer.status_code, answer.json()


async def test_a_request_with_a_nonce_may_leave_the_challenge_out(world: World) -> None:
    """Covers: line 10 (PKCE off for a confidential oidc client that sends nonce); check 11; 384-character nonce."""
    back = await code(world)
    assert back["state"] == "s" * 2_000
    status, tokens = await redeem(world, back["code"])
    assert status == 200, tokens
    assert claims_of(tokens["id_token"])["nonce"] == "n" * 384


async def test_a_verifier_that_no_challenge_announced_is_refused(world: World) -> None:
    """Covers: check 82; downgrade (RFC 9700 §4.8.2)."""
    assert (await redeem(world, (await code(world))["code"], code_verifier=VERIFIER))[0] == 400


async def test_a_challenge_that_was_sent_counts_also_here(world: World) -> None:
    """Covers: check 81."""
    sent = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert (await redeem(world, (await code(world, **sent))["code"]))[1]["error"] == "invalid_grant"
    assert (await redeem(world, (await code(world, **sent))["code"], code_verifier=VERIFIER))[0] == 200


@pytest.mark.parametrize(
    "change",
    [{"nonce": ""}, {"scope": "bank.transactions"}, {"code_challenge_method": "S256"}, {"code_challenge": CHALLENGE},
     {"code_challenge": CHALLENGE, "code_challenge_method": "plain"}],
)  # fmt: skip
async def test_the_exemption_ends_where_its_condition_does(world: World, change: dict[str, str]) -> None:
    """Covers: check 7, 8; line 10."""
    answer = await push(world, "exempt", {**PLAIN, **change})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
