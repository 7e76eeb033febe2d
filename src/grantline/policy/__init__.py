"""May this actor do this, now? Pure: (consent, call, now) -> Permit | Deny. Knows no HTTP and no storage."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.policy.cedar import data_entity
    from grantline.policy.clauses import STATUS_REASONS, Finding
    from grantline.policy.decide import Decider
    from grantline.policy.facts import CallFacts, Cut, StateFacts
    from grantline.policy.policies import Policies
    from grantline.policy.texts import PolicyTexts, core_texts
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "STATUS_REASONS",
    "CallFacts",
    "Cut",
    "Decider",
    "Finding",
    "Policies",
    "PolicyTexts",
    "StateFacts",
    "core_texts",
    "data_entity",
]
