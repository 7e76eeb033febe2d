"""May this client do this for this person, now? Pure: the same question gets the same answer and the same reason."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import cedarpy

from grantline.model.consent import EnforcedVersion, Item
from grantline.model.decision import Decision, Deny, Permit
from grantline.model.ids import ClientId
from grantline.model.reasons import ANSWERS, Reason
from grantline.policy.cedar import grant_entities, request
from grantline.policy.clauses import Finding, Question, judge
from grantline.policy.facts import CallFacts, StateFacts
from grantline.policy.policies import Policies, Verdict

_REMEMBERED = 4_096
_NOTHING = Verdict((False, (), ()))
_VersionKey = tuple[str, int, str, str]


class Decider:
    """A policy set and the kinds of data it speaks about.

    Remembers versions in parsed form, and what Cedar said to a question for the one second that the question is about:
    the clock is part of every question, so nothing is remembered across it.
    """

    def __init__(self, policies: Policies, data: Iterable[dict[str, Any]]) -> None:
        """`data`: `cedar.data_entity` of each kind of data of the catalog."""
        self.policies = policies
        self._data = {entity["uid"]["id"]: entity for entity in data}
        self._parsed: OrderedDict[_VersionKey, cedarpy.Entities] = OrderedDict()
        self._second = 0
        self._said: dict[tuple[_VersionKey, ClientId, str, str], Verdict] = {}

    def decide(self, version: EnforcedVersion, standing: StateFacts, call: CallFacts, now: int) -> Decision:
        """Permit with its obligations, or Deny with its reason. `now` in unix seconds. An error denies."""
        self._turn_to(now)
        refused: list[Deny] = []
        for n, item in _ranked(version, call):
            verdict = self._verdict(version, call, request(version, n, standing, call, now))
            if verdict.errors:
                return Deny(Reason.POLICY_ERROR, call.evaluation, "; ".join(verdict.errors))
            if verdict.allowed:
                return self._permit(verdict, item, call)
            refused.append(_denial(Question(version, standing, call, now, item), verdict))
        return refused[0] if refused else _denial(Question(version, standing, call, now, None), _NOTHING)

    def explain(
        self, version: EnforcedVersion, standing: StateFacts, call: CallFacts, now: int
    ) -> tuple[Decision, tuple[Finding, ...]]:
        """The decision with every clause judged, for people who ask why."""
        ranked = _ranked(version, call)
        question = Question(version, standing, call, now, ranked[0][1] if ranked else None)
        return self.decide(version, standing, call, now), judge(question)

    def _permit(self, verdict: Verdict, item: Item, call: CallFacts) -> Permit:
        fields = call.fields or item.fields
        by = ", ".join(verdict.policies)
        return Permit(by, call.evaluation, call.purpose, fields, call.cut(item, fields), self.policies.hash)

    def _turn_to(self, now: int) -> None:
        if now != self._second or len(self._said) >= _REMEMBERED:
            self._second = now
            self._said.clear()

    def _verdict(self, version: EnforcedVersion, call: CallFacts, question: dict[str, Any]) -> Verdict:
        """What Cedar says. Context, client and kind of data are all of a question that a version leaves open."""
        key = (_key(version), call.client, call.data, question["context"])
        said = self._said.get(key)
        if said is None:
            said = self._said[key] = self.policies.evaluate(question, self._entities(version))
        return said

    def _entities(self, version: EnforcedVersion) -> cedarpy.Entities:
        key = _key(version)
        found = self._parsed.get(key)
        if found is None:
            # Cedar's cost grows with the entities it is handed: those of this version's items are enough.
            named = {f"{item.api}/{item.datatype}" for item in version.items}
            data = [entity for name, entity in self._data.items() if name in named]
            found = self.policies.entities([*data, *grant_entities(version)])
            self._parsed[key] = found
            if len(self._parsed) > _REMEMBERED:
                self._parsed.popitem(last=False)
        return found


def _key(version: EnforcedVersion) -> _VersionKey:
    return version.consent_id, version.version, version.content_hash, version.signature


def _ranked(version: EnforcedVersion, call: CallFacts) -> list[tuple[int, Item]]:
    """Items worth asking about, the best fit first: it alone, and whatever else is of the same kind and purpose."""
    if len(version.items) == 1:
        return [(0, version.items[0])]
    ranked = sorted(((_fit(item, call), -n, n) for n, item in enumerate(version.items)), reverse=True)
    return [(n, version.items[n]) for place, (fit, _, n) in enumerate(ranked) if place == 0 or fit >= _SAME_PURPOSE]


_SAME_PURPOSE = 3


def _fit(item: Item, call: CallFacts) -> int:
    """How many conditions on the item hold before the first that does not."""
    if item.api != call.api or item.datatype != call.datatype:
        return 0
    if call.action not in item.actions:
        return 1
    if item.purpose != call.purpose:
        return 2
    if not set(item.resources).issuperset(call.resources):
        return 3
    return 5 if set(item.fields).issuperset(call.fields) else 4


def _denial(question: Question, verdict: Verdict) -> Deny:
    """The first clause that fails gives the reason; what no clause explains was refused by an added policy."""
    evaluation = question.call.evaluation
    failed = next((finding for finding in judge(question) if not finding.passed), None)
    if failed is not None:
        return Deny(failed.reason, evaluation, f"{failed.policy}: not so: {failed.clause}", _missing(failed, question))
    if verdict.policies:
        return Deny(Reason.POLICY_DENIED, evaluation, ", ".join(verdict.policies))
    return Deny(Reason.POLICY_ERROR, evaluation, "Cedar refuses what every clause allows")


def _missing(failed: Finding, question: Question) -> tuple[dict[str, object], ...]:
    """The authorization detail (RFC 9396) that a client would have to ask for, when asking can help."""
    if ANSWERS[failed.reason].error != "insufficient_scope":
        return ()
    call = question.call
    detail: dict[str, object] = {
        "type": call.api_type,
        "locations": [call.location],
        "actions": [call.action],
        "datatypes": [call.datatype],
        "purpose": call.purpose,
    }
    if call.fields:
        detail["fields"] = list(call.fields)
    if call.resources:
        detail["resources"] = list(call.resources)
    return (detail,)
