"""The order of the phases, and what happens when one of them breaks."""

import asyncio
from typing import Any

import msgspec
import orjson
import pytest

from grantline.crypto.es256 import SigningKey, verify_jws
from grantline.gateway.bind import Replays
from grantline.gateway.enforce import Admitted, Gateway, Refused
from grantline.gateway.facts import call_facts
from grantline.gateway.locate import Place
from grantline.gateway.records import Trail
from grantline.gateway.verify import Caller
from grantline.model.consent import Status
from grantline.model.decision import Deny, FieldFilter, Located, Permit, RecordRule
from grantline.model.events import Event, EventType
from grantline.model.feed import Kind, Position
from grantline.model.reasons import Reason
from grantline.policy import StateFacts
from tests.unit.enforce.world import BASE, NOW, TRANSACTIONS, World, transactions_item


def reason(answer: Admitted | Refused) -> Reason | None:
    return answer.deny.because if isinstance(answer, Refused) else None


# What an admitted call carries


async def test_an_agreed_call_is_admitted_with_its_obligation(world: World) -> None:
    answer = await world.decide(f"{TRANSACTIONS}?fields=date,amount")
    assert isinstance(answer, Admitted)
    assert answer.permit.fields == ("date", "amount")
    assert answer.permit.filter == FieldFilter(
        records=("transactions",),
        fields=(("date",), ("amount",)),
        envelope=("next",),
        rules=(RecordRule(path=("date",), since="2026-05-27"),),
    )


async def test_the_context_tells_the_upstream_this_call_and_ends_with_the_lease(world: World) -> None:
    answer = await world.decide(f"{TRANSACTIONS}?fields=date")
    assert isinstance(answer, Admitted)
    key = world.instance.public
    payload = verify_jws(answer.context, lambda kid: key if kid == key.kid else None, "grantline-context+jwt")
    claims = orjson.loads(payload)
    assert claims["exp"] == answer.context_exp == NOW + 2
    told = {name: claims[name] for name in ("iss", "aud", "sub", "client_id", "grant_id", "gver", "action", "fields")}
    assert told == {
        "iss": "bank-1", "aud": "https://bank.example/api", "sub": "ada", "client_id": "pennywise",
        "grant_id": "g_1", "gver": 1, "action": "read", "fields": ["date"],
    }  # fmt: skip
    assert (claims["mth"], claims["pos"], claims["resources"]) == ("GET", [1, 0], ["a1"])


async def test_no_context_lives_longer_than_thirty_seconds(world: World) -> None:
    world.lease(600)
    answer = await world.decide()
    assert isinstance(answer, Admitted)
    assert answer.context_exp == NOW + 30


async def test_a_bearer_token_is_enough_where_the_token_is_not_bound(world: World) -> None:
    answer = await world.decide(authorization=f"Bearer {world.token(cnf=None)}")
    assert isinstance(answer, Admitted)


async def test_the_declared_purpose_chooses_among_those_granted(world: World) -> None:
    world.version = world.agreed(transactions_item(), transactions_item(purpose="tax", fields=("date",)))
    token = world.token(pur=("budgeting", "tax"))
    answer = await world.decide(authorization=f"DPoP {token}", grantline_purpose="tax")
    assert isinstance(answer, Admitted)
    assert (answer.permit.purpose, answer.permit.fields) == ("tax", ("date",))


# Proofs


async def test_a_proof_is_good_once(world: World) -> None:
    """Covers: check 99."""
    token = world.token()
    headers = {"authorization": f"DPoP {token}", "dpop": world.proof(token)}
    assert isinstance(await world.decide(**headers), Admitted)
    assert reason(await world.decide(**headers)) is Reason.PROOF_REPLAYED


async def test_a_proof_of_a_replica_or_from_before_a_restart_is_refused(world: World) -> None:
    """Covers: check 99."""
    token = world.token()
    headers = {"authorization": f"DPoP {token}", "dpop": world.proof(token)}
    assert isinstance(await world.decide(**headers), Admitted)
    world.gateway = world.start()
    assert reason(await world.decide(**headers)) is Reason.PROOF_NONCE


async def test_a_full_memory_of_proofs_refuses_and_forgets_nothing(world: World) -> None:
    world.gateway = world.start(Replays(capacity=2))
    token = world.token()
    first = {"authorization": f"DPoP {token}", "dpop": world.proof(token)}
    assert isinstance(await world.decide(**first), Admitted)
    assert isinstance(await world.decide(), Admitted)
    assert reason(await world.decide()) is Reason.PROOF_CACHE_FULL
    assert reason(await world.decide(**first)) is Reason.PROOF_REPLAYED
    world.clock.forward(71)
    world.lease()
    world.spool.delivered(3)
    assert isinstance(await world.decide(), Admitted)


async def test_a_proof_stays_remembered_for_as_long_as_it_would_be_accepted(world: World) -> None:
    token = world.token()
    headers = {"authorization": f"DPoP {token}", "dpop": world.proof(token, iat=NOW + 10)}
    assert isinstance(await world.decide(**headers), Admitted)
    world.clock.forward(70)
    world.lease()
    assert reason(await world.decide(**headers)) is Reason.PROOF_REPLAYED


async def test_a_new_nonce_is_handed_out_before_the_old_one_ends(world: World) -> None:
    token, old = world.token(), world.nonce()
    world.clock.forward(120)
    world.lease()
    answer = await world.decide(authorization=f"DPoP {token}", dpop=world.proof(token, nonce=old))
    assert isinstance(answer, Admitted)
    assert answer.nonce == world.nonce() != old
    world.clock.forward(181)
    world.lease()
    stale = world.token()
    refused = await world.decide(authorization=f"DPoP {stale}", dpop=world.proof(stale, nonce=old))
    assert reason(refused) is Reason.PROOF_NONCE


async def test_the_query_is_not_part_of_what_a_proof_names(world: World) -> None:
    token = world.token()
    proof = world.proof(token, BASE + TRANSACTIONS)
    assert isinstance(
        await world.decide(f"{TRANSACTIONS}?fields=date", authorization=f"DPoP {token}", dpop=proof), Admitted
    )


async def test_a_remembered_token_still_expires(world: World) -> None:
    token = world.token(cnf=None)
    assert isinstance(await world.decide(authorization=f"Bearer {token}"), Admitted)
    world.clock.forward(300)
    world.lease()
    assert reason(await world.decide(authorization=f"Bearer {token}")) is Reason.TOKEN_EXPIRED


async def test_a_key_that_left_the_bundle_verifies_nothing_any_more(world: World) -> None:
    token = world.token(cnf=None)
    assert isinstance(await world.decide(authorization=f"Bearer {token}"), Admitted)
    world.issuer = type(world.issuer).generate()
    world.gateway.use(world.compiled)
    assert reason(await world.decide(authorization=f"Bearer {token}")) is Reason.TOKEN_INVALID


# The record, and the check after it


class SlowRecord:
    """Holds every append until the test lets it go."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    def append(self, event: Event, *, outcome: bool = False) -> asyncio.Future[int]:
        self.asked.set()
        return asyncio.ensure_future(self._later(event, outcome))

    async def _later(self, event: Event, outcome: bool) -> int:
        await self.go.wait()
        return await self.world.spool.append(event, outcome=outcome)


async def interrupted(world: World, meanwhile: Any) -> Admitted | Refused:
    """A call during whose recording something happens."""
    slow = SlowRecord(world)
    world.gateway._record = slow
    call = asyncio.create_task(world.gateway.decide(world.call()))
    await slow.asked.wait()
    meanwhile()
    slow.go.set()
    return await call


async def test_a_withdrawal_while_the_call_is_recorded_stops_it(world: World) -> None:
    """Covers: I4. Without the second standing check this call is admitted after CLOSED."""
    withdrawn = lambda: world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)  # noqa: E731
    assert reason(await interrupted(world, withdrawn)) is Reason.GRANT_WITHDRAWN


async def test_a_lease_that_ends_while_the_call_is_recorded_stops_it(world: World) -> None:
    assert reason(await interrupted(world, lambda: world.clock.forward(2.0))) is Reason.FEED_STALE


async def test_a_policy_announced_while_the_call_is_recorded_stops_it(world: World) -> None:
    assert reason(await interrupted(world, lambda: world.ends(Kind.POLICY, "new", Reason.POLICY_ERROR))) is (
        Reason.POLICY_ERROR
    )


async def test_a_permit_that_did_not_go_is_told_in_the_record(world: World) -> None:
    answer = await interrupted(world, lambda: world.clock.forward(2.0))
    assert isinstance(answer, Refused)
    decision, outcome = await world.events()
    assert (decision.out, outcome.type, outcome.out) == ("permit", EventType.GATEWAY_OUTCOME, "deny")
    assert (outcome.rsn, outcome.detail["status"]) == ("feed_stale", 503)
    assert decision.detail["evaluation"] == outcome.detail["evaluation"] == answer.deny.evaluation
    assert outcome.detail["decision_seq"] == 1


async def test_nothing_is_answered_before_the_decision_is_durable(world: World) -> None:
    slow = SlowRecord(world)
    world.gateway._record = slow
    call = asyncio.create_task(world.gateway.decide(world.call()))
    await slow.asked.wait()
    await asyncio.sleep(0)
    assert not call.done()
    slow.go.set()
    assert isinstance(await call, Admitted)


async def test_an_unwritable_record_refuses_and_a_refusal_stays_what_it_is(world: World) -> None:
    world.spool._broken = "the disk is gone"
    assert reason(await world.decide()) is Reason.AUDIT_UNAVAILABLE
    assert reason(await world.decide("/accounts/a3/transactions")) is Reason.RESOURCE_NOT_GRANTED


async def test_how_a_call_ended_is_recorded_and_its_departure_is_over(world: World) -> None:
    answer = await world.decide()
    assert isinstance(answer, Admitted)
    answer.departure.left()
    world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    assert world.standing.busy() == ("g_1",)
    world.gateway.finish(answer, status=200, sent=85, ms=3.4)
    assert world.standing.busy() == ()
    outcome = (await world.events())[-1]
    assert outcome.detail == {
        "evaluation": answer.permit.evaluation, "decision_seq": 1, "status": 200, "bytes": 85, "ms": 3,
    }  # fmt: skip


# Whatever breaks, the answer is no


@pytest.mark.parametrize(
    "phase",
    ["_bundle", "_verify", "_bind", "_first_standing", "_locate", "_agreed", "_decide", "_recorded",
     "_last_standing", "_admit"],
)  # fmt: skip
async def test_an_error_in_any_phase_refuses(world: World, phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers: I8."""

    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError(phase)

    monkeypatch.setattr(Gateway, phase, breaks)
    monkeypatch.setattr(Gateway, "_refuse", reliable(Gateway._refuse))
    answer = await world.decide()
    assert reason(answer) is Reason.POLICY_ERROR


def reliable(refuse: Any) -> Any:
    """`_recorded` is also how refusals are written; there its failing must not turn a no into anything else."""

    async def wrapped(self: Gateway, trail: Trail, deny: Deny, scheme: str | None = None) -> Refused:
        try:
            return await refuse(self, trail, deny, scheme)
        except ZeroDivisionError:
            return Refused(deny, scheme, None)

    return wrapped


async def test_a_departure_that_could_not_be_signed_is_not_in_flight(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grantline.gateway.enforce.sign_context", lambda *_, **__: 1 / 0)
    assert reason(await world.decide()) is Reason.POLICY_ERROR
    world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    assert world.standing.busy() == ()


async def test_the_version_is_fetched_once(world: World) -> None:
    for _ in range(3):
        assert isinstance(await world.decide(), Admitted)
    assert world.fetched == 1


async def test_a_version_with_a_foreign_signature_is_not_believed(world: World) -> None:
    world.version = msgspec.structs.replace(world.version, subject="pw_eve")
    assert reason(await world.decide()) is Reason.CONSENT_UNAVAILABLE


# The record is enough to decide again


@pytest.mark.parametrize(
    "target",
    [TRANSACTIONS, f"{TRANSACTIONS}?fields=date", f"{TRANSACTIONS}?fields=iban", f"{TRANSACTIONS}?since=2026-01-01",
     "/accounts/a3/transactions", "/accounts/a1"],
)  # fmt: skip
async def test_a_recorded_decision_can_be_taken_again(world: World, target: str) -> None:
    """Covers: I14."""
    answer = await world.decide(target)
    [event] = await world.events()
    again = decided_again(world, event)
    first = answer.permit if isinstance(answer, Admitted) else answer.deny
    assert again == first
    assert isinstance(again, Permit) is (event.out == "permit")


def decided_again(world: World, event: Event) -> Permit | Deny:
    """From the event's detail, the version and the policy it names; nothing else of the call is left."""
    detail: dict[str, Any] = event.detail
    assert event.policy == world.compiled.decider.policies.hash
    claims = world.claims(
        grant_id=detail["consent"], gver=detail["version"], gep=detail["epoch"], sub=detail["subject"],
        client_id=detail["client"], act={"sub": detail["actor"]} if detail["actor"] else None,
    )  # fmt: skip
    caller = Caller(claims, "", "")
    places = world.compiled.places
    data = places.catalog.data(detail["api"], detail["datatype"])
    located = Located(
        detail["api"], detail["route"], detail["endpoint"], detail["action"], detail["datatype"],
        tuple(detail["resources"]), tuple(detail["asked"]), data.sensitivity, detail["since"],
    )  # fmt: skip
    api = places.catalog.api(detail["api"])
    place = Place(located, places._routes[detail["api"], detail["route"]], api.type, api.resource)
    trail = Trail(detail["evaluation"], world.call(), detail["now"] * 1_000_000, purpose=detail["purpose"])
    state = StateFacts(Status.ACTIVE, detail["epoch"], detail["epoch"], detail["client_status"])
    facts = call_facts(trail, caller, place, places)
    return world.compiled.decider.decide(world.version, state, facts, detail["now"])


async def test_a_version_that_a_key_signed_which_is_ours_no_more_is_fetched_again(world: World) -> None:
    first = await world.decide("/accounts/a1/transactions")
    assert isinstance(first, Admitted)
    fetched = world.fetched
    world.issuer = SigningKey.generate()
    world.version = world.agreed()
    world.gateway._tokens.forget()
    assert isinstance(await world.decide("/accounts/a1/transactions"), Admitted)
    assert world.fetched == fetched + 1


async def test_a_key_cut_off_while_the_call_is_recorded_lets_it_through_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = world.spool.append

    def cutting(event: Event, *, outcome: bool = False) -> Any:
        world.ends(Kind.KEY, world.issuer.public.kid, Reason.KEY_COMPROMISED, before_position=Position(1, 1))
        world.lease()
        return append(event, outcome=outcome)

    monkeypatch.setattr(world.spool, "append", cutting)
    answer = await world.decide("/accounts/a1/transactions")
    assert isinstance(answer, Refused)
    assert answer.deny.because is Reason.KEY_COMPROMISED
