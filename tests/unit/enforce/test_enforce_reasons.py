"""Every way a call can end in no, from the outside: reason, status and challenge."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.gateway.enforce import Admitted, Refused
from grantline.gateway.render import Rendered, render
from grantline.model.consent import Item
from grantline.model.events import EventType
from grantline.model.feed import Kind, Position
from grantline.model.reasons import ANSWERS, Reason
from grantline.model.token import Confirmation
from tests.unit.enforce.world import DAY, NOW, World, transactions_item

Prepare = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A world in which one thing is wrong, and the call made there."""

    reason: Reason
    prepare: Prepare
    recorded: bool = True
    name: str = ""


def bearer(**claims: Any) -> Prepare:
    return lambda w: {"authorization": f"Bearer {w.token(cnf=None, **claims)}"}


def bound(**claims: Any) -> Prepare:
    return lambda w: {"authorization": f"DPoP {w.token(**claims)}"}


MINE = "c" * 43
_BOUND = Confirmation(x5t=MINE)


def certified(x5t: str | None, scheme: str = "Bearer", cnf: Confirmation = _BOUND) -> Prepare:
    """A token that is bound to a certificate, in a call that came with the certificate `x5t`."""
    return lambda w: {"authorization": f"{scheme} {w.token(cnf=cnf)}", "x5t": x5t}


def opaque(*, known: bool = True, **claims: Any) -> Prepare:
    """A token that says nothing."""

    def prepare(w: World) -> dict[str, Any]:
        token = w.opaque(**claims)
        if not known:
            w.kept.clear()
        return {"authorization": f"DPoP {token}"}

    return prepare


def demanding(**demand: Any) -> Prepare:
    """Every route of the bank asks for this sign-in, and the token tells of none."""

    def prepare(w: World) -> dict[str, Any]:
        w.demand(**demand)
        return {}

    return prepare


def proof(**changes: Any) -> Prepare:
    def prepare(w: World) -> dict[str, Any]:
        token = w.token()
        return {"authorization": f"DPoP {token}", "dpop": w.proof(token, **changes)}

    return prepare


def to(target: str, **more: Any) -> Prepare:
    return lambda w: {"target": target, **more}


def ending(kind: Kind, name: str, cause: Reason, **limit: Any) -> Prepare:
    def prepare(w: World) -> dict[str, Any]:
        w.ends(kind, name, cause, **limit)
        return {}

    return prepare


def agreeing(items: tuple[Item, ...] = (), **changes: Any) -> Prepare:
    def prepare(w: World) -> dict[str, Any]:
        w.version = w.agreed(*items, **changes)
        return {}

    return prepare


def after(prepare: Callable[[World], object], then: Prepare = lambda w: {}) -> Prepare:
    def both(w: World) -> dict[str, Any]:
        prepare(w)
        return then(w)

    return both


def quarantined(w: World) -> None:
    w.content.clients["pennywise"] = "quarantined"


def without_bundle(w: World) -> None:
    w.gateway._compiled = None


def signer_cut_off(w: World) -> dict[str, Any]:
    """Whoever stole the key writes any position into what it signs."""
    w.ends(Kind.KEY, w.issuer.public.kid, Reason.KEY_COMPROMISED, before_position=Position(1, 1))
    return bound(seq=Position(2**40, 2**60))(w)


T = "/accounts/a1/transactions"
CASES = [
    Case(Reason.TOKEN_MISSING, lambda w: {"authorization": None}, recorded=False),
    Case(Reason.REQUEST_INVALID, to(f"{T}?access_token=x"), recorded=False, name="token in the query"),
    Case(Reason.REQUEST_INVALID, lambda w: {"authorization": ("Bearer a", "Bearer b")}, recorded=False, name="two"),
    Case(Reason.TOKEN_INVALID, lambda w: {"authorization": "Basic dTpw"}, recorded=False, name="Basic"),
    Case(Reason.TOKEN_INVALID, lambda w: {"authorization": "Bearer  x"}, recorded=False, name="two spaces"),
    Case(Reason.TOKEN_INVALID, lambda w: {"authorization": "Bearer nonsense"}, recorded=False, name="no JWS"),
    Case(Reason.TOKEN_INVALID, bound(typ="JWT"), recorded=False, name="an ID token"),
    Case(Reason.TOKEN_INVALID, bound(key=SigningKey.generate()), recorded=False, name="a foreign key"),
    Case(Reason.TOKEN_INVALID, bound(iss="http://elsewhere"), recorded=False, name="another issuer"),
    Case(Reason.TOKEN_INVALID, bound(aud=("https://other.example",)), recorded=False, name="another audience"),
    Case(Reason.TOKEN_INVALID, bound(iat=NOW + 11), recorded=False, name="issued in the future"),
    Case(Reason.TOKEN_INVALID, bound(cnf=None), recorded=False, name="unbound with DPoP"),
    Case(Reason.TOKEN_EXPIRED, bound(exp=NOW), recorded=False),
    Case(Reason.TOKEN_INVALID, opaque(known=False), recorded=False, name="an opaque one nobody knows"),
    Case(Reason.TOKEN_EXPIRED, opaque(exp=NOW), recorded=False, name="an opaque one"),
    Case(Reason.TOKEN_UNAVAILABLE, after(lambda w: setattr(w, "away", True), opaque()), recorded=False),
    Case(Reason.STEP_UP, demanding(acr_values=("urn:grantline:acr:mfa",))),
    Case(Reason.PROOF_MISSING, lambda w: {"authorization": f"Bearer {w.token()}"}, recorded=False, name="Bearer"),
    Case(Reason.PROOF_MISSING, lambda w: {"authorization": f"DPoP {w.token()}", "dpop": None}, recorded=False),
    Case(Reason.CERTIFICATE_MISSING, certified(None), recorded=False),
    Case(Reason.CERTIFICATE_MISMATCH, certified("d" * 43), recorded=False),
    Case(Reason.TOKEN_INVALID, certified(MINE, "DPoP"), recorded=False, name="bound to a certificate, with DPoP"),
    Case(Reason.CERTIFICATE_MISSING, certified("", cnf=Confirmation()), recorded=False, name="bound to nothing"),
    Case(Reason.PROOF_INVALID, proof(method="POST"), recorded=False, name="method"),
    Case(Reason.PROOF_INVALID, proof(key=SigningKey.generate()), recorded=False, name="key"),
    Case(Reason.PROOF_INVALID, proof(access_token="other"), recorded=False, name="ath"),
    Case(Reason.PROOF_NONCE, proof(nonce=None), recorded=False),
    Case(Reason.PROOF_NONCE, proof(nonce="made-up"), recorded=False, name="made up"),
    Case(Reason.FEED_STALE, after(without_bundle), recorded=False, name="no bundle"),
    Case(Reason.FEED_STALE, after(lambda w: w.clock.forward(2))),
    Case(Reason.GRANT_WITHDRAWN, ending(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)),
    Case(Reason.GRANT_REVOKED, ending(Kind.GRANT, "g_1", Reason.GRANT_REVOKED, min_epoch=2)),
    Case(Reason.GRANT_SUPERSEDED, ending(Kind.GRANT, "g_1", Reason.GRANT_SUPERSEDED, min_epoch=2)),
    Case(Reason.GRANT_SUSPENDED, ending(Kind.GRANT, "g_1", Reason.GRANT_SUSPENDED, min_epoch=2)),
    Case(
        Reason.GRANT_REVOKED,
        ending(Kind.CLIENT, "pennywise", Reason.GRANT_REVOKED, before_position=Position(1, 1)),
        name="client",
    ),
    Case(
        Reason.GRANT_REVOKED,
        after(
            lambda w: w.ends(Kind.GRANT, "g_parent", Reason.GRANT_REVOKED, min_epoch=2),
            bound(lin=(("g_parent", 1), ("g_1", 1))),
        ),
        name="lineage",
    ),
    Case(Reason.KEY_COMPROMISED, signer_cut_off),
    Case(Reason.GRANT_EXPIRED, agreeing(expires_at=NOW)),
    Case(Reason.GRANT_NOT_STARTED, agreeing(not_before=NOW + 1)),
    Case(Reason.CONFIRMATION_DUE, agreeing(confirmed_at=NOW - 91 * DAY)),
    Case(Reason.CONSENT_UNAVAILABLE, bound(gver=2)),
    Case(Reason.CLIENT_QUARANTINED, after(quarantined)),
    Case(Reason.CLIENT_QUARANTINED, after(lambda w: w.content.clients.clear()), name="unknown client"),
    Case(Reason.TOKEN_INVALID, bound(sub="pw_bob"), name="another person's"),
    Case(Reason.POLICY_DENIED, bound(act={"sub": "agent:otto"}), name="an agent"),
    Case(Reason.PURPOSE_MISSING, bound(pur=("budgeting", "tax"))),
    Case(Reason.PURPOSE_MISMATCH, to(T, grantline_purpose="credit-check"), name="declared, not granted"),
    Case(Reason.PURPOSE_MISMATCH, bound(pur=("tax",)), name="in the token alone"),
    Case(
        Reason.PURPOSE_MISMATCH,
        after(
            agreeing((transactions_item(), transactions_item(purpose="tax"))),
            to(T, grantline_purpose="tax"),
        ),
        name="agreed, but not in the token",
    ),
    Case(Reason.REQUEST_INVALID, to(T, grantline_purpose=("budgeting", "budgeting")), name="two purposes"),
    Case(Reason.FIELD_NOT_GRANTED, to(f"{T}?fields=date,iban")),
    Case(Reason.RESOURCE_NOT_GRANTED, to("/accounts/a3/transactions")),
    Case(Reason.ACTION_NOT_GRANTED, to("/accounts/a1/payments", method="POST")),
    Case(Reason.ACTION_NOT_GRANTED, to("/accounts/a1"), name="other data"),
    Case(Reason.LOOKBACK_EXCEEDED, to(f"{T}?since=2026-05-26")),
    Case(Reason.ROUTE_UNKNOWN, to("/nothing")),
    Case(Reason.ROUTE_UNKNOWN, to(T, api="calendar2"), recorded=False, name="another API"),
    Case(Reason.REQUEST_INVALID, to("/accounts/a1%2f..%2fa3/transactions"), name="a path read in two ways"),
    Case(Reason.OBLIGATION_UNSUPPORTED, agreeing(items=(transactions_item(datatype="accounts", lookback_days=9),))),
]


def idents(case: Case) -> str:
    return f"{case.reason}-{case.name}" if case.name else case.reason.value


async def run(world: World, case: Case) -> Refused:
    asked = case.prepare(world)
    if case.reason is Reason.OBLIGATION_UNSUPPORTED:
        asked["target"] = "/accounts/a1"
    answer = await world.decide(**asked) if "target" in asked else await world.decide(T, **asked)
    assert isinstance(answer, Refused)
    return answer


@pytest.mark.parametrize("case", CASES, ids=idents)
async def test_each_reason_is_told_with_its_status_and_challenge(world: World, case: Case) -> None:
    """Covers: I8, check 157, check 159, check 103, check 110, check 121, check 161."""
    refused = await run(world, case)
    assert refused.deny.because is case.reason, refused.deny.detail
    rendered = render(refused)
    assert rendered.status == ANSWERS[case.reason].status
    problem = orjson.loads(rendered.body)
    assert problem["type"] == f"urn:grantline:reason:{case.reason}"
    assert problem["evaluation_id"] == refused.deny.evaluation == dict(rendered.headers)["x-grantline-evaluation"]
    assert_challenge(rendered, case.reason)


def assert_challenge(rendered: Rendered, reason: Reason) -> None:
    error = ANSWERS[reason].error
    challenges = [value for name, value in rendered.headers if name == "www-authenticate"]
    assert bool(challenges) is (rendered.status == 401 or error is not None)
    for challenge in challenges:
        assert (f'error="{error}"' in challenge) is (error is not None)
        assert challenge.startswith("DPoP") is ('algs="ES256' in challenge)


@pytest.mark.parametrize("case", CASES, ids=idents)
async def test_a_bound_callers_refusal_is_recorded_and_any_other_counted(world: World, case: Case) -> None:
    refused = await run(world, case)
    events = await world.events()
    assert len(events) == (1 if case.recorded else 0)
    assert world.gateway.unbound[case.reason] == (0 if case.recorded else 1)
    if case.recorded:
        assert (events[0].type, events[0].out, events[0].rsn) == (EventType.GATEWAY_DECISION, "deny", case.reason)
        assert events[0].detail["evaluation"] == refused.deny.evaluation


def test_hardly_a_reason_is_left_without_its_case() -> None:
    elsewhere = {
        Reason.PROOF_REPLAYED, Reason.PROOF_CACHE_FULL, Reason.AUDIT_UNAVAILABLE, Reason.POLICY_ERROR,
        Reason.LIMIT_REACHED, Reason.LIMIT_UNKNOWN, Reason.RESPONSE_UNFILTERABLE,
    }  # fmt: skip
    assert {case.reason for case in CASES} | elsewhere == set(Reason)


async def test_the_challenge_follows_the_scheme_presented(world: World) -> None:
    def challenges(refused: Admitted | Refused) -> list[str]:
        assert isinstance(refused, Refused)
        return [value for name, value in render(refused).headers if name == "www-authenticate"]

    none = challenges(await world.decide(authorization=None))
    assert none == ['DPoP algs="ES256 EdDSA PS256"', "Bearer"]
    bare = challenges(await world.decide(authorization=f"Bearer {world.token(cnf=None, exp=NOW)}"))
    assert bare == ['Bearer error="invalid_token", error_description="The access token has expired."']
    downgraded = challenges(await world.decide(authorization=f"Bearer {world.token()}"))
    assert downgraded[0].startswith('DPoP error="invalid_dpop_proof"')


async def test_insufficient_scope_names_the_scope_and_the_missing_detail(world: World) -> None:
    refused = await world.decide(f"{T}?fields=date,iban")
    assert isinstance(refused, Refused)
    rendered = render(refused)
    challenge = dict(rendered.headers)["www-authenticate"]
    assert challenge.startswith('DPoP error="insufficient_scope"')
    assert 'scope="bank.transactions"' in challenge
    [missing] = orjson.loads(rendered.body)["authorization_details"]
    assert (missing["type"], missing["fields"], missing["purpose"]) == ("bank_data", ["date", "iban"], "budgeting")


async def test_the_nonce_comes_with_the_challenge_that_asks_for_it(world: World) -> None:
    """Covers: check 100."""
    refused = await world.decide(**proof(nonce=None)(world))
    assert isinstance(refused, Refused)
    headers = dict(render(refused).headers)
    assert 'error="use_dpop_nonce"' in headers["www-authenticate"]
    answer = await world.decide(**proof(nonce=headers["dpop-nonce"])(world))
    assert isinstance(answer, Admitted)


async def test_the_operators_detail_stays_inside(world: World) -> None:
    refused = await world.decide("/accounts/a3/transactions")
    assert isinstance(refused, Refused)
    assert refused.deny.detail
    assert refused.deny.detail.encode() not in render(refused).body


async def test_a_token_bound_to_a_certificate_passes_with_it(world: World) -> None:
    """Covers: check 105, check 157."""
    token = world.token(cnf=Confirmation(x5t=MINE))
    assert isinstance(await world.decide(authorization=f"Bearer {token}", x5t=MINE), Admitted)
    refused = await world.decide(authorization=f"Bearer {token}", x5t="d" * 43)
    assert isinstance(refused, Refused)
    told = dict(render(refused).headers)
    assert told["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert "dpop-nonce" not in told


async def test_a_certificate_adds_nothing_to_a_token_that_is_bound_to_a_key(world: World) -> None:
    refused = await world.decide(authorization=f"Bearer {world.token()}", x5t=MINE)
    assert isinstance(refused, Refused)
    assert refused.deny.because is Reason.PROOF_MISSING
