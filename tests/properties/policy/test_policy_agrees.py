"""Cedar and the clauses that explain it never disagree, whatever the question."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from grantline.model.consent import EnforcedVersion, Status
from grantline.model.decision import Deny, Permit
from grantline.model.reasons import Reason
from grantline.policy import CallFacts, Decider, StateFacts
from grantline.policy.clauses import Question, judge
from tests.unit.policy.world import DAY, NOW, call, decider, item, state, version

DECIDER: Decider = decider()


def some(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from(values)


def subsets(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


items = st.builds(
    item,
    api=some("bank", "health"),
    datatype=some("transactions", "labs"),
    actions=subsets("read", "write"),
    purpose=some("budgeting", "tax"),
    resources=subsets("a1", "a2"),
    fields=subsets("date", "amount", "iban"),
    lookback_days=some(None, 30, 180),
    explicit=some(UNSET, True),
)
versions = st.builds(
    version,
    items=st.lists(items, max_size=3).map(tuple),
    client=some("pennywise", "pennywise", "pennywise", "other"),
    not_before=some(NOW - DAY, NOW - DAY, NOW, NOW + 1),
    expires_at=some(NOW + DAY, NOW + DAY, NOW + 1, NOW),
    confirmed_at=some(NOW, NOW - 90 * DAY, NOW - 90 * DAY - 1),
    confirm_every_days=some(None, 90),
)
states = st.builds(
    state,
    status=some(*[Status.ACTIVE] * 6, *Status),
    epoch=some(1, 2, 3),
    client_status=some("active", "active", "active", "quarantined", "unknown"),
)


@st.composite
def calls(draw: st.DrawFn) -> CallFacts:
    api, datatype = draw(st.sampled_from([("bank", "transactions"), ("health", "labs"), ("bank", "unknown")]))
    return call(
        api=api,
        datatype=datatype,
        special=api == "health",
        action=draw(some("read", "write")),
        actor=draw(some(None, None, None, "agent:otto")),
        purpose=draw(some("budgeting", "tax")),
        resources=draw(subsets("a1", "a2", "a3")),
        fields=draw(subsets("date", "amount", "iban")),
        oldest=draw(some(None, "2026-11-22", "2026-10-24", "2026-10-23", "2026-05-27", "2026-05-26")),
        reads=draw(st.booleans()),
        keeps_own_records=draw(st.booleans()),
        keeps_recent_records=draw(st.booleans()),
    )


questions = st.tuples(versions, states, calls())
Asked = tuple[EnforcedVersion, StateFacts, CallFacts]


@given(questions)
@settings(max_examples=400, deadline=None)
def test_a_call_is_permitted_exactly_when_every_clause_of_some_item_holds(asked: Asked) -> None:
    """Covers: I1, I8, I14."""
    about, standing, made = asked
    decision = DECIDER.decide(about, standing, made, NOW)
    judged = [judge(Question(about, standing, made, NOW, one)) for one in about.items]
    assert isinstance(decision, Permit) is any(all(finding.passed for finding in findings) for findings in judged)
    if isinstance(decision, Deny):
        assert decision.because is not Reason.POLICY_ERROR, decision.detail


@given(questions)
@settings(max_examples=100, deadline=None)
def test_asking_for_what_nobody_agreed_to_is_always_refused(asked: Asked) -> None:
    """Covers: I1."""
    about, standing, made = asked
    more = replace(made, fields=(*made.fields, "note"), resources=(*made.resources, "a9"))
    assert isinstance(DECIDER.decide(about, standing, more, NOW), Deny)
