"""One consent and one call that is allowed; tests change one thing."""

from dataclasses import replace
from typing import Any

import msgspec

from grantline.model.consent import EnforcedVersion, Item, Status
from grantline.model.decision import FieldFilter
from grantline.model.ids import ApiId, ClientId, ConsentId, EvaluationId, PurposeId, SubjectId
from grantline.policy import CallFacts, Decider, Policies, PolicyTexts, StateFacts, core_texts, data_entity

DAY = 86_400
NOW = 1_795_435_200  # 2026-11-23T12:00:00Z
ACTIONS = ("list", "pay", "read", "write")
DATA = (
    data_entity("bank/transactions", sensitivity=2, special=False),
    data_entity("health/labs", sensitivity=3, special=True),
)


def decider(texts: PolicyTexts | None = None) -> Decider:
    return Decider(Policies(texts or core_texts(ACTIONS)), DATA)


def item(**changes: Any) -> Item:
    whole = Item(
        type="bank_data",
        api=ApiId("bank"),
        actions=("read",),
        datatype="transactions",
        fields=("date", "amount", "category"),
        resources=("a1", "a2"),
        purpose=PurposeId("budgeting"),
        locations=("https://bank.example/api",),
        lookback_days=180,
    )
    return msgspec.structs.replace(whole, **changes)


def version(**changes: Any) -> EnforcedVersion:
    whole = EnforcedVersion(
        consent_id=ConsentId("g_1"),
        version=1,
        content_hash=repr(sorted(changes.items(), key=lambda pair: pair[0])),
        client=ClientId("pennywise"),
        subject=SubjectId("pw_1"),
        items=(item(),),
        not_before=NOW - 10 * DAY,
        expires_at=NOW + 80 * DAY,
        confirmed_at=NOW - 10 * DAY,
        confirm_every_days=90,
        resource_subjects=((ApiId("bank"), "ada"),),
    )
    return msgspec.structs.replace(whole, **changes)


def state(**changes: Any) -> StateFacts:
    return replace(StateFacts(Status.ACTIVE, 2, 2, "active"), **changes)


def cut(agreed: Item, fields: tuple[str, ...]) -> FieldFilter | None:
    return FieldFilter(records=("transactions",), fields=tuple((field,) for field in fields))


def call(**changes: Any) -> CallFacts:
    whole = CallFacts(
        evaluation=EvaluationId("ev_1"),
        client=ClientId("pennywise"),
        subject=SubjectId("pw_1"),
        actor=None,
        api=ApiId("bank"),
        api_type="bank_data",
        location="https://bank.example/api",
        datatype="transactions",
        action="read",
        resources=("a1",),
        fields=("date",),
        purpose=PurposeId("budgeting"),
        oldest="2026-10-01",
        reads=True,
        keeps_own_records=False,
        keeps_recent_records=False,
        special=False,
        cut=cut,
    )
    return msgspec.structs.replace(whole, **changes)
