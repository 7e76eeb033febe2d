"""Each condition of the policy on its own: it refuses with its reason, and without it the call would pass."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from grantline.model.consent import Status
from grantline.model.decision import Deny, Permit
from grantline.model.errors import InvalidConfiguration
from grantline.model.reasons import ANSWERS, Reason
from grantline.policy import Decider, Policies, PolicyTexts, core_texts
from grantline.policy.cedar import grant_entities, request
from tests.unit.policy.world import ACTIONS, DATA, DAY, NOW, call, decider, item, state, version

CORE = core_texts(ACTIONS)


@dataclass(frozen=True)
class Case:
    """One thing wrong. `text`: the part of the policy that minds (a conjunct of consent.core, or a policy's name)."""

    text: str
    reason: Reason
    version: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case('context.state == "active"', Reason.GRANT_SUSPENDED, state={"status": Status.SUSPENDED}),
    Case("context.epoch >= context.minEpoch", Reason.GRANT_SUPERSEDED, state={"epoch": 1}),
    Case("context.item.grant.start <= context.now", Reason.GRANT_NOT_STARTED, version={"not_before": NOW + 1}),
    Case("context.now < context.item.grant.end", Reason.GRANT_EXPIRED, version={"expires_at": NOW}),
    Case("context.item.grant.client == principal", Reason.TOKEN_INVALID, call={"client": "other"}),
    Case("context.item.grant.subject == context.subject", Reason.TOKEN_INVALID, call={"subject": "pw_2"}),
    Case("context.item.data == resource", Reason.ACTION_NOT_GRANTED, version={"items": (item(datatype="labs"),)}),
    Case("context.item.actions.contains(context.action)", Reason.ACTION_NOT_GRANTED, call={"action": "list"}),
    Case("context.item.purpose == context.purpose", Reason.PURPOSE_MISMATCH, call={"purpose": "credit-check"}),
    Case(
        "context.item.resources.containsAll(context.resources)", Reason.RESOURCE_NOT_GRANTED, call={"resources": ("b",)}
    ),
    Case("context.item.fields.containsAll(context.fields)", Reason.FIELD_NOT_GRANTED, call={"fields": ("iban",)}),
    Case("incident.client", Reason.CLIENT_QUARANTINED, state={"client_status": "quarantined"}),
    Case("freshness.reconfirm", Reason.CONFIRMATION_DUE, version={"confirmed_at": NOW - 90 * DAY - 1}),
    Case("window.lookback", Reason.LOOKBACK_EXCEEDED, call={"oldest": "2026-05-26"}),
    Case("window.enforced", Reason.OBLIGATION_UNSUPPORTED, call={"oldest": None}),
    Case("resources.enforced", Reason.OBLIGATION_UNSUPPORTED, call={"resources": ()}),
    Case(
        "special.explicit",
        Reason.POLICY_DENIED,
        version={"items": (item(api="health", datatype="labs"),)},
        call={"api": "health", "datatype": "labs", "special": True},
    ),
    Case("agent.bounds", Reason.POLICY_DENIED, call={"actor": "agent:otto"}),
]


def without(text: str) -> PolicyTexts:
    """The policy with one conjunct of the permit, or one whole forbid, taken out."""
    if " " in text or "(" in text:
        mutated = CORE.policies.replace(text, "true")
    else:
        mutated = re.sub(rf'@id\("{re.escape(text)}"\)[^;]*;', "", CORE.policies)
    assert mutated != CORE.policies
    return PolicyTexts(CORE.schema, mutated)


def ask(judge: Decider, case: Case) -> Permit | Deny:
    return judge.decide(version(**case.version), state(**case.state), call(**case.call), NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_what_was_permitted_a_moment_ago_permits_nothing_else(case: Case) -> None:
    """A verdict that is remembered within the second answers its own question alone."""
    judge = decider()
    assert isinstance(ask(judge, Case("", Reason.POLICY_ERROR)), Permit)
    refused = ask(judge, case)
    assert isinstance(refused, Deny)
    assert refused.because is case.reason
    assert isinstance(ask(judge, Case("", Reason.POLICY_ERROR)), Permit)


def test_the_same_question_is_put_to_cedar_once_in_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    evaluate = Policies.evaluate
    monkeypatch.setattr(Policies, "evaluate", lambda *told, **more: asked.append(told[1]) or evaluate(*told, **more))
    judge = decider()
    first, again = (judge.decide(version(), state(), call(), NOW) for _ in range(2))
    assert isinstance(first, Permit)
    assert first == again
    assert len(asked) == 1
    judge.decide(version(), state(), call(), NOW + 1)
    judge.decide(version(), state(), call(), NOW)
    assert len(asked) == 3


def test_the_agreed_call_is_permitted_with_the_fields_asked_for() -> None:
    decision = decider().decide(version(), state(), call(), NOW)
    assert isinstance(decision, Permit)
    assert (decision.by, decision.fields, decision.policy) == ("consent.core", ("date",), CORE.hash)
    assert decision.filter is not None
    assert decision.filter.fields == (("date",),)


def test_asking_for_no_field_means_all_that_were_agreed() -> None:
    decision = decider().decide(version(), state(), call(fields=()), NOW)
    assert isinstance(decision, Permit)
    assert decision.fields == ("date", "amount", "category")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_each_condition_refuses_with_its_reason(case: Case) -> None:
    """Covers: I8, I4."""
    decision = ask(decider(), case)
    assert isinstance(decision, Deny)
    assert decision.because is case.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_each_condition_is_load_bearing(case: Case) -> None:
    """The very same question is permitted once the condition is taken out of the policy text."""
    assert isinstance(ask(decider(without(case.text)), case), Permit)


def test_no_condition_of_the_policy_is_without_its_case() -> None:
    permit = re.search(r'@id\("consent.core"\)\npermit \(.*?\)\nwhen \{(.*?)\n\};', CORE.policies, re.DOTALL)
    assert permit is not None
    conjuncts = {" ".join(part.split()) for part in permit[1].split("&&")}
    forbids = set(re.findall(r'@id\("([^"]+)"\)', CORE.policies)) - {"consent.core"}
    assert conjuncts | forbids == {case.text for case in CASES}


@pytest.mark.parametrize("case", [*CASES, Case("", Reason.POLICY_DENIED)], ids=lambda case: case.text)
def test_every_question_has_the_shape_the_schema_demands(case: Case) -> None:
    about = version(**case.version)
    policies = Policies(CORE)
    asked = request(about, 0, state(**case.state), call(**case.call), NOW)
    verdict = policies.evaluate(asked, policies.entities([*DATA, *grant_entities(about)]), strict=True)
    assert verdict.errors == ()
    assert verdict.allowed is (case.text == "")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.WITHDRAWN, Reason.GRANT_WITHDRAWN),
        (Status.REVOKED, Reason.GRANT_REVOKED),
        (Status.INVALIDATED, Reason.GRANT_REVOKED),
        (Status.EXPIRED, Reason.GRANT_EXPIRED),
        (Status.COMPLETED, Reason.GRANT_EXPIRED),
        (Status.REQUESTED, Reason.GRANT_NOT_STARTED),
        (Status.AWAITING_APPROVAL, Reason.GRANT_NOT_STARTED),
    ],
)
def test_no_state_but_active_permits(status: Status, reason: Reason) -> None:
    """Covers: I3."""
    decision = decider().decide(version(), state(status=status), call(), NOW)
    assert isinstance(decision, Deny)
    assert decision.because is reason


def test_the_first_agreed_day_may_be_asked_for_at_any_hour() -> None:
    decision = decider().decide(version(), state(), call(oldest="2026-05-27"), NOW)
    assert isinstance(decision, Permit)


def test_lookback_binds_reading_not_changing() -> None:
    about = version(items=(item(actions=("write",)),))
    decision = decider().decide(about, state(), call(action="write", reads=False, oldest=None), NOW)
    assert isinstance(decision, Permit)


def test_a_route_whose_answer_is_cut_per_record_needs_neither_resource_nor_date() -> None:
    listed = call(resources=(), oldest=None, keeps_own_records=True, keeps_recent_records=True)
    assert isinstance(decider().decide(version(), state(), listed, NOW), Permit)


def test_one_item_must_allow_all_of_a_call() -> None:
    """Fields of one item and resources of another never add up."""
    about = version(items=(item(resources=("a1",), fields=("date",)), item(resources=("a2",), fields=("iban",))))
    judge = decider()
    assert isinstance(judge.decide(about, state(), call(resources=("a2",), fields=("iban",)), NOW), Permit)
    refused = judge.decide(about, state(), call(resources=("a1",), fields=("iban",)), NOW)
    assert isinstance(refused, Deny)


def test_an_item_that_refuses_does_not_hide_another_that_allows() -> None:
    about = version(items=(item(lookback_days=30), item(lookback_days=180)))
    assert isinstance(decider().decide(about, state(), call(oldest="2026-10-01"), NOW), Permit)


def test_a_consent_without_items_here_permits_nothing() -> None:
    decision = decider().decide(version(items=()), state(), call(), NOW)
    assert isinstance(decision, Deny)
    assert decision.because is Reason.ACTION_NOT_GRANTED


def test_a_refusal_that_asking_can_mend_names_what_to_ask_for() -> None:
    decision = decider().decide(version(), state(), call(fields=("iban",)), NOW)
    assert isinstance(decision, Deny)
    assert decision.missing == (
        {
            "type": "bank_data",
            "locations": ["https://bank.example/api"],
            "actions": ["read"],
            "datatypes": ["transactions"],
            "purpose": "budgeting",
            "fields": ["iban"],
            "resources": ["a1"],
        },
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_the_hint_is_there_exactly_when_it_helps(case: Case) -> None:
    decision = ask(decider(), case)
    assert isinstance(decision, Deny)
    assert bool(decision.missing) is (ANSWERS[decision.because].error == "insufficient_scope")


def test_an_error_in_any_policy_denies_even_where_another_permits() -> None:
    """Covers: I8."""
    overflow = '@id("broken") forbid (principal, action, resource) when { context.epoch + 9223372036854775807 > 0 };'
    decision = decider(core_texts(ACTIONS, [overflow])).decide(version(), state(), call(), NOW)
    assert isinstance(decision, Deny)
    assert decision.because is Reason.POLICY_ERROR


def test_an_organisations_own_policy_can_take_away() -> None:
    own = '@id("own.nothing-at-night") forbid (principal, action, resource) when { context.purpose == "budgeting" };'
    decision = decider(core_texts(ACTIONS, [own])).decide(version(), state(), call(), NOW)
    assert isinstance(decision, Deny)
    assert (decision.because, decision.detail) == (Reason.POLICY_DENIED, "own.nothing-at-night")


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ('@id("x") permit (principal, action, resource);', "only forbid"),
        ("forbid (principal, action, resource);", "@id"),
        ('@id("consent.core") forbid (principal, action, resource);', "twice"),
        ('@id("x") forbid (principal, action, resource) when { context.nothing };', "fit their schema"),
        ('@id("x") forbid (principal, action, resource) when { context.oldest > context.now };', "fit their schema"),
        ("forbid (principal", "cannot be read"),
    ],
)
def test_a_policy_that_could_widen_or_fail_is_not_loaded(overlay: str, words: str) -> None:
    with pytest.raises(InvalidConfiguration, match=words):
        Policies(core_texts(ACTIONS, [overlay]))


def test_the_same_question_gets_the_same_answer() -> None:
    """Covers: I14."""
    once, again = decider(), decider()
    for case in CASES:
        assert ask(once, case) == ask(again, case) == ask(once, case)


def test_explain_names_every_clause_and_agrees_with_the_decision() -> None:
    judge = decider()
    for case in CASES:
        about = version(**case.version), state(**case.state), call(**case.call)
        decision, findings = judge.explain(*about, NOW)
        failed = [finding for finding in findings if not finding.passed]
        assert isinstance(decision, Deny)
        assert failed[0].reason is decision.because
        assert failed[0].policy == (case.text if "context" not in case.text else "consent.core")
    decision, findings = judge.explain(version(), state(), call(), NOW)
    assert isinstance(decision, Permit)
    assert all(finding.passed for finding in findings)
