"""Tokens that say nothing: asked for once, held against the feed at each use, no way to flood the authority."""

import asyncio
from dataclasses import fields
from typing import Any

import pytest

from grantline.crypto.encoding import b64url
from grantline.gateway.adapters.envoy_config import EnvoySettings
from grantline.gateway.enforce import Admitted, Refused
from grantline.gateway.opaque import PATIENCE_S, OpaqueTokens
from grantline.model.feed import Kind, Position
from grantline.model.reasons import Reason
from grantline.model.token import OPAQUE_PREFIX, AccessClaims, Confirmation
from tests.unit.enforce.world import TRANSACTIONS, World


async def outcome(world: World, token: str, **more: Any) -> Reason | None:
    """Why a call with this token, proven by the client's key, is refused."""
    answer = await world.decide(TRANSACTIONS, **{"authorization": f"DPoP {token}", **more})
    return answer.deny.because if isinstance(answer, Refused) else None


def made_up(world: World) -> str:
    return OPAQUE_PREFIX + b64url(world.random.randbytes(32))


async def test_it_admits_what_its_claims_admit_and_is_asked_for_once_a_minute(world: World) -> None:
    """Covers: line 4 (opaque; the answer is cached for at most 60 s)."""
    token = world.opaque(exp=world.claims().exp + 600)
    for _ in range(3):
        assert await outcome(world, token) is None
    assert len(world.asked) == 1
    for seconds, asked in ((59.9, 1), (0.1, 2)):
        world.clock.forward(seconds)
        world.lease()
        assert await outcome(world, token) is None
        assert len(world.asked) == asked
    decision, *_ = await world.events()
    assert (decision.consent, decision.client) == ("g_1", "pennywise")


async def test_an_api_that_asks_for_them_takes_no_signed_ones(world: World) -> None:
    """Covers: line 4 (opaque per API)."""
    signed, hidden = world.token(), world.opaque()
    assert await outcome(world, signed) is None
    world.opaque_only()
    assert await outcome(world, signed) is Reason.TOKEN_INVALID
    assert await outcome(world, hidden) is None


@pytest.mark.parametrize(
    ("kind", "name", "bound"),
    [
        (Kind.GRANT, "g_1", {"min_epoch": 2}),
        (Kind.FAMILY, "f_1", {"before_position": Position(1, 1)}),
        (Kind.CLIENT, "pennywise", {"before_position": Position(1, 1)}),
        (Kind.SUBJECT, "pw_ada", {"before_position": Position(1, 1)}),
        (Kind.TOKEN, "the-token", {}),
    ],
)
async def test_every_ending_reaches_it_though_its_answer_is_remembered(
    world: World, kind: Kind, name: str, bound: dict[str, Any]
) -> None:
    """Covers: ARCHITECTURE.md idea 3 (cached answers are compared at each use); line 4."""
    token = world.opaque(jti="the-token")
    assert await outcome(world, token) is None
    world.ends(kind, name, Reason.GRANT_REVOKED, **bound)
    assert await outcome(world, token) is Reason.GRANT_REVOKED
    assert len(world.asked) == 1


async def test_with_the_authority_away_a_known_one_has_its_minute_and_a_new_one_waits(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens" (new opaque tokens get 503)."""
    known, new = world.opaque(), world.opaque()
    assert await outcome(world, known) is None
    world.away = True
    assert await outcome(world, new) is Reason.TOKEN_UNAVAILABLE
    assert await outcome(world, known) is None
    world.clock.forward(60)
    world.lease()
    assert await outcome(world, known) is Reason.TOKEN_UNAVAILABLE
    world.away = False
    assert [await outcome(world, one) for one in (known, new)] == [None, None]


async def test_its_key_and_its_certificate_are_proven_like_those_of_any_other(world: World) -> None:
    """Covers: check 103, 105 (opaque)."""
    bound, held = world.opaque(), world.opaque(cnf=Confirmation(x5t="c" * 43))
    bearer = {"authorization": f"Bearer {bound}"}
    assert await outcome(world, bound, **bearer) is Reason.PROOF_MISSING
    other = world.proof(made_up(world))
    assert await outcome(world, bound, dpop=other) is Reason.PROOF_INVALID, "a proof names its one token"
    assert await outcome(world, held, authorization=f"Bearer {held}", x5t="d" * 43) is Reason.CERTIFICATE_MISMATCH
    assert await outcome(world, held, authorization=f"Bearer {held}", x5t="c" * 43) is None


async def test_whoever_makes_tokens_up_makes_us_ask_only_so_often(world: World) -> None:
    """Covers: line 4 (a flood of tokens does not flood the authority)."""
    known = world.opaque()
    assert await outcome(world, known) is None
    answers = [await outcome(world, made_up(world)) for _ in range(world.misses + 3)]
    assert answers == [Reason.TOKEN_INVALID] * world.misses + [Reason.TOKEN_UNAVAILABLE] * 3
    assert len(world.asked) == 1 + world.misses
    assert await outcome(world, known) is None, "who is known already is not kept waiting by it"
    world.clock.forward(1 / world.misses)
    world.lease()
    assert await outcome(world, made_up(world)) is Reason.TOKEN_INVALID


async def test_right_tokens_use_up_nothing(world: World) -> None:
    """However many new ones come in one second."""
    assert [await outcome(world, world.opaque()) for _ in range(3 * world.misses)] == [None] * 3 * world.misses


async def test_one_that_nobody_knows_is_asked_for_once_in_five_seconds(world: World) -> None:
    """Covers: line 4 (negative answers are remembered for a short time)."""
    token = made_up(world)
    for _ in range(3):
        assert await outcome(world, token) is Reason.TOKEN_INVALID
    assert len(world.asked) == 1
    world.clock.forward(5)
    world.lease()
    assert await outcome(world, token) is Reason.TOKEN_INVALID
    assert len(world.asked) == 2


async def test_many_calls_with_one_new_token_are_one_question(world: World) -> None:
    """Also when they come at the same moment."""
    token = world.opaque(cnf=None)
    calls = [world.decide(TRANSACTIONS, authorization=f"Bearer {token}") for _ in range(10)]
    assert all(isinstance(answer, Admitted) for answer in await asyncio.gather(*calls))
    assert len(world.asked) == 1


async def test_what_is_remembered_is_bounded(world: World) -> None:
    """The least recently used is asked for again."""
    tokens = OpaqueTokens(world._resolve, world.clock, misses=5, capacity=2)
    first, second, third = (bytes([n]) * 32 for n in (1, 2, 3))
    for digest in (first, second, third):
        world.kept[digest] = world.claims()
    for digest in (first, second, first, third, first, second):
        await tokens.claims(digest)
    assert world.asked == [first, second, third, second]


async def test_what_looks_nearly_like_one_is_not_asked_for(world: World) -> None:
    """Covers: check 113 (at the gateway)."""
    token = world.opaque()
    for wrong in (token[:-1], token + "A", token[4:], token.upper(), f"{token} "):
        assert await outcome(world, wrong, dpop=None) is Reason.TOKEN_INVALID
    assert world.asked == []


async def test_an_authority_that_never_answers_is_given_up_before_the_proxy_gives_up(world: World) -> None:
    """Covers: line 4: the caller learns the reason, and the next call asks anew."""
    silent = asyncio.Event()

    async def hangs(_digest: bytes) -> None:
        await silent.wait()

    tokens = OpaqueTokens(hangs, world.clock, misses=5, patience_s=0.01)
    assert await tokens.claims(bytes(32)) is Reason.TOKEN_UNAVAILABLE
    silent.set()
    assert await tokens.claims(bytes(32)) is Reason.TOKEN_INVALID
    waits = {one.name: one.default for one in fields(EnvoySettings)}
    assert waits["decision_timeout"] > PATIENCE_S


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_others(world: World) -> None:
    world.opaque()
    digest, asked, answer = next(iter(world.kept)), asyncio.Event(), asyncio.Event()

    async def slow(name: bytes) -> AccessClaims | None:
        asked.set()
        await answer.wait()
        return world.kept.get(name)

    tokens = OpaqueTokens(slow, world.clock, misses=5)
    first = asyncio.ensure_future(tokens.claims(digest))
    await asked.wait()
    second = asyncio.ensure_future(tokens.claims(digest))
    first.cancel()
    answer.set()
    assert await second == world.kept[digest]
