"""Smaller promises around the pipeline: explaining, unknown keys, calls that never came by, bundles that cannot be."""

import msgspec
import pytest

from grantline.catalog import load_catalog
from grantline.crypto.es256 import SigningKey
from grantline.gateway.compiled import Compiled
from grantline.gateway.enforce import Admitted, Refused
from grantline.gateway.explaining import explain
from grantline.gateway.flights import OVERDUE_SECONDS, Flights
from grantline.gateway.minimiser import Outcome, Pending, PendingFull
from grantline.gateway.verify import asking_for_keys
from grantline.model.consent import Status
from grantline.model.decision import Call, Deny, Permit
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import EvaluationId
from grantline.model.reasons import Reason
from grantline.policy import StateFacts
from tests.consent_world import sensitive
from tests.unit.enforce.world import BANK, CATALOG, NOW, TRANSACTIONS, World, bundle_content, transactions_item

ACTIVE = StateFacts(Status.ACTIVE, 1, 1, "active")


def question(target: str, purpose: str | None = None) -> Call:
    path, _, query = target.partition("?")
    return Call("GET", path, query, path, {"grantline-purpose": (purpose,)} if purpose else {}, BANK)


@pytest.mark.parametrize(
    ("target", "failing"),
    [
        (TRANSACTIONS, None),
        (f"{TRANSACTIONS}?fields=iban", "the fields were agreed"),
        ("/accounts/a3/transactions", "the resource was agreed"),
        (f"{TRANSACTIONS}?since=2026-01-01", "the data is recent enough"),
    ],
)
async def test_explain_gives_the_gateways_own_answer_and_the_clause(
    world: World, target: str, failing: str | None
) -> None:
    decision, findings = explain(world.catalog, world.version, ACTIVE, question(target), NOW)
    assert [finding.clause for finding in findings if not finding.passed][:1] == ([failing] if failing else [])
    answer = await world.decide(target)
    assert isinstance(decision, Permit) is isinstance(answer, Admitted) is (failing is None)


async def test_explain_tells_a_call_that_cannot_be_placed(world: World) -> None:
    decision, findings = explain(world.catalog, world.version, ACTIVE, question("/nothing"), NOW)
    assert isinstance(decision, Deny)
    assert (decision.because, findings) == (Reason.ROUTE_UNKNOWN, ())


async def test_explain_needs_a_purpose_where_the_consent_has_two(world: World) -> None:
    about = world.agreed(transactions_item(), transactions_item(purpose="tax"))
    decision, _ = explain(world.catalog, about, ACTIVE, question(TRANSACTIONS), NOW)
    assert isinstance(decision, Deny)
    assert decision.because is Reason.PURPOSE_MISSING
    decision, _ = explain(world.catalog, about, ACTIVE, question(TRANSACTIONS, "tax"), NOW)
    assert isinstance(decision, Permit)


async def test_an_unknown_key_is_asked_for_and_a_known_one_is_not(world: World) -> None:
    """Covers: check 157, check 114."""
    asked: list[str] = []
    find = asking_for_keys(world.find, lambda: asked.append("now"))
    assert find(world.issuer.public.kid) is world.issuer.public
    assert asked == []
    assert find("another") is None
    assert asked == ["now"]


async def admitted(world: World) -> Admitted:
    answer = await world.decide()
    assert isinstance(answer, Admitted)
    return answer


async def test_a_call_that_never_came_by_ends_as_unknown(world: World) -> None:
    pending = Pending(lambda: world.clock.us / 1_000_000, most=10)
    flights = Flights(world.gateway, pending, world.clock)
    lost = await admitted(world)
    flights.begin(lost)
    world.spool.delivered(1)
    world.clock.forward(OVERDUE_SECONDS + 3)
    world.lease()
    flights.begin(await admitted(world))
    outcome = (await world.events())[-1]
    assert (outcome.detail["evaluation"], outcome.rsn) == (lost.permit.evaluation, "outcome_unknown")
    flights.report(Outcome(lost.permit.evaluation, 200, 1, 1.0))
    assert len([event for event in await world.events() if event.rsn == "outcome_unknown"]) == 1


async def test_what_nobody_admitted_is_reported_to_no_one(world: World) -> None:
    flights = Flights(world.gateway, Pending(lambda: 0.0), world.clock)
    flights.report(Outcome(EvaluationId("ev_unknown"), 200, 1, 1.0))
    assert await world.events() == []


async def test_a_call_without_room_for_its_filter_is_not_kept(world: World) -> None:
    flights = Flights(world.gateway, Pending(lambda: NOW, most=0), world.clock)
    with pytest.raises(PendingFull):
        flights.begin(await admitted(world))
    assert flights._open == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policy_hash": "0" * 64}, "hash"),
        ({"policy": "permit (principal, action, resource) when { context.nothing };"}, "hash"),
        ({"catalog": {"operator": {}}}, "catalog"),
    ],
)
def test_a_bundle_that_is_not_what_it_says_is_not_used(changes: dict[str, object], words: str) -> None:
    content = bundle_content(load_catalog(CATALOG), SigningKey.generate())
    with pytest.raises(InvalidConfiguration, match=words):
        Compiled.of(msgspec.structs.replace(content, **changes))


@pytest.mark.parametrize("explicit", [True, msgspec.UNSET])
async def test_special_data_passes_the_policy_only_where_it_was_agreed_to_explicitly(
    world: World, explicit: bool | msgspec.UnsetType
) -> None:
    """Covers: I1, I8. The yes is in the signed version and reaches Cedar; nothing else of the call differs."""
    world.catalog = sensitive("bank.transactions")
    world.gateway.use(Compiled.of(bundle_content(world.catalog, world.issuer)))
    world.version = world.agreed(transactions_item(explicit=explicit))
    answer = await world.decide()
    if explicit is True:
        assert isinstance(answer, Admitted)
    else:
        assert isinstance(answer, Refused)
        assert answer.deny.because is Reason.POLICY_DENIED
        assert "special.explicit" in answer.deny.detail
