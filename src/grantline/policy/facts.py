"""What a decision is about: the standing of the consent, and the facts of one call. Values only."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from grantline.model.consent import Item, Status
from grantline.model.decision import FieldFilter
from grantline.model.ids import ApiId, ClientId, EvaluationId, PurposeId, SubjectId

Cut = Callable[[Item, tuple[str, ...]], FieldFilter | None]
"""From the item that permits and the fields that may leave to what the answer is cut to (None: nothing to cut)."""


@dataclass(frozen=True, slots=True)
class StateFacts:
    """The mutable side of a consent. `epoch`: of the token; `min_epoch`: the least that still stands."""

    status: Status
    epoch: int
    min_epoch: int
    client_status: str


class CallFacts(msgspec.Struct, frozen=True):  # a struct, because it is made for every call and is wide
    """One call as verified and located.

    `fields`: asked for, empty means all that was agreed. `oldest`: the first day asked for (`YYYY-MM-DD`).
    `reads`: the action shows data rather than changes it. `keeps_own_records` and `keeps_recent_records`: records of
    other resources, or older ones, are dropped from the answer. `special`: a special category of data.
    `api_type`, `location`: RFC 9396 type and resource identifier of the API, for the hint about what is missing.
    """

    evaluation: EvaluationId
    client: ClientId
    subject: SubjectId
    actor: str | None
    api: ApiId
    api_type: str
    location: str
    datatype: str
    action: str
    resources: tuple[str, ...]
    fields: tuple[str, ...]
    purpose: PurposeId
    oldest: str | None
    reads: bool
    keeps_own_records: bool
    keeps_recent_records: bool
    special: bool
    cut: Cut

    @property
    def data(self) -> str:
        """The kind of data as policies name it."""
        return f"{self.api}/{self.datatype}"
