"""The policy once more, clause by clause in plain code: it gives a refusal its reason and `explain` its lines.

Cedar decides. Inside one Cedar policy a mismatch has no name (CONSENT.md G, rule 4), so the clauses are repeated here
in the order in which a caller should hear of them; a test holds both to the same answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from grantline.model.consent import EnforcedVersion, Item, Status
from grantline.model.reasons import Reason
from grantline.policy.facts import CallFacts, StateFacts

_DAY = 86_400

STATUS_REASONS = {
    Status.WITHDRAWN: Reason.GRANT_WITHDRAWN,
    Status.REVOKED: Reason.GRANT_REVOKED,
    Status.INVALIDATED: Reason.GRANT_REVOKED,
    Status.EXPIRED: Reason.GRANT_EXPIRED,
    Status.COMPLETED: Reason.GRANT_EXPIRED,
    Status.SUSPENDED: Reason.GRANT_SUSPENDED,
}


@dataclass(frozen=True, slots=True)
class Question:
    """Everything one decision looks at. `now`: unix seconds. `item`: the item under judgement, None if none fits."""

    version: EnforcedVersion
    standing: StateFacts
    call: CallFacts
    now: int
    item: Item | None


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. `policy`: the Cedar policy it belongs to. `holds` may rely on the clauses before it."""

    name: str
    policy: str
    reason: Reason
    holds: Callable[[Question], bool]


@dataclass(frozen=True, slots=True)
class Finding:
    """A clause judged for one question; `reason` is what its failing means."""

    clause: str
    policy: str
    passed: bool
    reason: Reason


def judge(question: Question) -> tuple[Finding, ...]:
    """Every clause that can be judged; those about an item are left out when no item fits."""
    clauses = OF_THE_GRANT + (OF_THE_ITEM if question.item is not None else NO_ITEM)
    return tuple(
        Finding(clause.name, clause.policy, clause.holds(question), _reason(clause, question)) for clause in clauses
    )


def _reason(clause: Clause, question: Question) -> Reason:
    if clause.name == "the consent is active":
        return STATUS_REASONS.get(question.standing.status, Reason.GRANT_NOT_STARTED)
    return clause.reason


def _item(question: Question) -> Item:
    assert question.item is not None
    return question.item


def _confirmed(question: Question) -> bool:
    every = question.version.confirm_every_days
    return every is None or question.now - question.version.confirmed_at <= every * _DAY


def _within_lookback(question: Question) -> bool:
    lookback, oldest = _item(question).lookback_days, question.call.oldest
    if not question.call.reads or lookback is None or oldest is None:
        return True
    today = datetime.fromtimestamp(question.now, UTC).date()
    return today - date.fromisoformat(oldest) <= timedelta(days=lookback)


def _lookback_enforced(question: Question) -> bool:
    call = question.call
    limited = call.reads and _item(question).lookback_days is not None and call.oldest is None
    return not limited or call.keeps_recent_records


def _resources_enforced(question: Question) -> bool:
    call = question.call
    return bool(call.resources) or not _item(question).resources or call.keeps_own_records


def _explicit(question: Question) -> bool:
    return not question.call.special or bool(_item(question).explicit)


CORE = "consent.core"

OF_THE_GRANT = (
    Clause("the consent is active", CORE, Reason.GRANT_REVOKED, lambda q: q.standing.status == Status.ACTIVE),
    Clause("the token is of this epoch", CORE, Reason.GRANT_SUPERSEDED,
           lambda q: q.standing.epoch >= q.standing.min_epoch),
    Clause("the consent has begun", CORE, Reason.GRANT_NOT_STARTED, lambda q: q.version.not_before <= q.now),
    Clause("the consent has not ended", CORE, Reason.GRANT_EXPIRED, lambda q: q.now < q.version.expires_at),
    Clause("the consent is this client's", CORE, Reason.TOKEN_INVALID, lambda q: q.version.client == q.call.client),
    Clause("the consent is this person's", CORE, Reason.TOKEN_INVALID, lambda q: q.version.subject == q.call.subject),
    Clause("the client is in good standing", "incident.client", Reason.CLIENT_QUARANTINED,
           lambda q: q.standing.client_status == "active"),
    Clause("no agent acts that the consent does not name", "agent.bounds", Reason.POLICY_DENIED,
           lambda q: q.call.actor in (None, q.version.agent)),
    Clause("the person confirmed lately", "freshness.reconfirm", Reason.CONFIRMATION_DUE, _confirmed),
)  # fmt: skip

NO_ITEM = (Clause("some item allows this action on this data", CORE, Reason.ACTION_NOT_GRANTED, lambda _: False),)

OF_THE_ITEM = (
    Clause("the item is about this data", CORE, Reason.ACTION_NOT_GRANTED,
           lambda q: (_item(q).api, _item(q).datatype) == (q.call.api, q.call.datatype)),
    Clause("the item allows this action", CORE, Reason.ACTION_NOT_GRANTED, lambda q: q.call.action in _item(q).actions),
    Clause("the purpose was agreed", CORE, Reason.PURPOSE_MISMATCH, lambda q: _item(q).purpose == q.call.purpose),
    Clause("the resource was agreed", CORE, Reason.RESOURCE_NOT_GRANTED,
           lambda q: set(q.call.resources) <= set(_item(q).resources)),
    Clause("the fields were agreed", CORE, Reason.FIELD_NOT_GRANTED,
           lambda q: set(q.call.fields) <= set(_item(q).fields)),
    Clause("the data is recent enough", "window.lookback", Reason.LOOKBACK_EXCEEDED, _within_lookback),
    Clause("older records are dropped", "window.enforced", Reason.OBLIGATION_UNSUPPORTED, _lookback_enforced),
    Clause("records of other resources are dropped", "resources.enforced", Reason.OBLIGATION_UNSUPPORTED,
           _resources_enforced),
    Clause("special data was agreed to explicitly", "special.explicit", Reason.POLICY_DENIED, _explicit),
)  # fmt: skip
