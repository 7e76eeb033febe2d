"""Proofs of possession at our own endpoints: each counts once, everywhere, for as long as it could count."""

import httpx2
import pytest

from grantline.authorization import Settings
from grantline.crypto.dpop import sign_proof
from grantline.crypto.es256 import SigningKey
from tests.authorization_world import ISSUER, T0, World, make_world, nonces_of
from tests.flows.authorization.raw import FORM, REQUEST, exchange, get_code

KEY = SigningKey.generate()


NONCES = nonces_of(b"k" * 32)


def proof(
    jti: str = "p1", url: str = ISSUER + "/par", method: str = "POST", iat: int = T0, nonce: str | None = "current"
) -> str:
    told = NONCES.current(iat) if nonce == "current" else nonce
    return sign_proof(KEY, method, url, jti=jti, iat=iat, nonce=told)


async def push(world: World, *proofs: str, host: str = "localhost:9000") -> httpx2.Response:
    headers = [("content-type", FORM), ("host", host), *(("dpop", one) for one in proofs)]
    return await world.http.post("/par", content=httpx2.QueryParams(REQUEST).__str__(), headers=headers)


@pytest.mark.parametrize(
    "wrong",
    [
        proof(url=ISSUER + "/token"),
        proof(url="http://evil.example/par"),
        proof(method="GET"),
        proof(iat=T0 - 3_600),
        proof(iat=T0 + 3_600),
        "not.a.proof",
        "",
    ],
)
async def test_a_wrong_proof_is_refused(world: World, wrong: str) -> None:
    """Covers: check 98, 101."""
    answer = await push(world, wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("nonce", [None, "", "made-up", NONCES.current(T0 - 400)])
async def test_a_proof_without_a_nonce_of_today_is_asked_for_again(world: World, nonce: str | None) -> None:
    """Covers: check 100. Nobody can make proofs for later: the nonce is not known yet."""
    answer = await push(world, proof(nonce=nonce))
    assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
    again = await push(world, proof(nonce=answer.headers["dpop-nonce"]))
    assert again.status_code == 201
    assert again.headers["dpop-nonce"] == NONCES.current(T0)


async def test_the_challenge_for_a_nonce_goes_only_to_who_holds_the_key(world: World) -> None:
    """Covers: check 100. Everything else about the proof is judged first."""
    answer = await push(world, proof(url=ISSUER + "/token", nonce=None))
    assert answer.json()["error"] == "invalid_dpop_proof"


async def test_a_nonce_of_one_authority_is_good_at_the_other_and_changes_with_time(world: World) -> None:
    """Covers: check 100 (rotated; shared by what shares the keys)."""
    second = await make_world(world.path, fresh=False, clock=world.clock, seed=1)
    first = (await push(world, proof("a"))).headers["dpop-nonce"]
    assert (await push(second, proof("b", nonce=first))).status_code == 201
    world.clock.pass_seconds(60)
    later = (await push(world, proof("c", iat=T0 + 60, nonce=first))).headers["dpop-nonce"]
    assert later != first
    await second.close()


async def test_an_operator_may_do_without_nonces(world: World) -> None:
    object.__setattr__(world.server, "settings", Settings(proof_nonce=False))
    assert (await push(world, proof(nonce=None))).status_code == 201


async def test_two_proofs_are_none(world: World) -> None:
    """Covers: check 102."""
    assert (await push(world, proof("a"), proof("b"))).json()["error"] == "invalid_dpop_proof"


async def test_a_proof_counts_once(world: World) -> None:
    """Covers: line 3; check 99."""
    assert (await push(world, proof())).status_code == 201
    answer = await push(world, proof())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert (await push(world, proof("p2"))).status_code == 201


async def test_a_proof_counts_once_also_at_a_second_process_and_after_a_restart(world: World) -> None:
    """Covers: line 3 (replay at a second replica, after a restart); check 99."""
    assert (await push(world, proof())).status_code == 201
    second = await make_world(world.path, fresh=False, clock=world.clock, seed=1)
    assert (await push(second, proof())).json()["error"] == "invalid_dpop_proof"
    assert (await push(second, proof("p2"))).status_code == 201
    assert (await push(world, proof("p2"))).json()["error"] == "invalid_dpop_proof"
    await second.close()


async def test_when_no_more_proofs_can_be_kept_new_ones_are_refused_and_old_ones_still_count(world: World) -> None:
    """Covers: line 3 (with the cache full); ARCHITECTURE.md "Tokens"."""
    object.__setattr__(world.server, "settings", Settings(burned_capacity=3))
    for number in range(3):
        assert (await push(world, proof(f"p{number}"))).status_code == 201
    answer = await push(world, proof("p3"))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    for number in range(3):
        assert (await push(world, proof(f"p{number}"))).json()["error"] == "invalid_dpop_proof"
    world.clock.pass_seconds(80)
    assert (await push(world, proof("p4", iat=T0 + 80))).status_code == 201


async def test_a_refused_redemption_uses_its_proof_up(world: World) -> None:
    """Covers: check 99 (a captured proof is worth nothing, whatever came of its request)."""
    code = await get_code(world, KEY)
    headers = {"content-type": FORM, "dpop": proof("once", ISSUER + "/token")}
    wrong = httpx2.QueryParams({k: v for k, v in exchange(code, code_verifier="w" * 43).items() if v}).__str__()
    assert (await world.http.post("/token", content=wrong, headers=headers)).json()["error"] == "invalid_grant"
    assert (await world.http.post("/token", content=wrong, headers=headers)).json()["error"] == "invalid_dpop_proof"


async def test_what_the_host_header_says_never_counts(world: World) -> None:
    """Covers: check 101, 127."""
    assert (await push(world, proof(url="http://evil.example/par"), host="evil.example")).status_code == 400
    assert (await push(world, proof("p2"), host="evil.example")).status_code == 201
    answer = await world.http.get("/.well-known/openid-configuration", headers={"host": "evil.example"})
    assert "evil" not in answer.text
