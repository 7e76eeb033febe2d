"""A call at a gateway and the answer to it. Values, told apart by their type."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from grantline.model.ids import ApiId, EvaluationId, PurposeId
from grantline.model.reasons import ANSWERS, Answer, Reason


class Obligation(StrEnum):
    """What a decision may demand of the way back. An adapter declares those that it sees to."""

    FIELD_ALLOW_LIST = "field_allow_list"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as an adapter read it: nothing is trusted yet.

    `path` is the raw path without query; `query` the raw query. `url` is the external URL without query and
    fragment, for DPoP `htu`. `headers`: lower-case name → all values, in order. `api`: which API it came for, as the
    adapter's own configuration says, never the request. `enforces`: what that adapter declares; silence is nothing.
    `x5t`: thumbprint of the client's certificate, as the adapter knows it from TLS or its own proxy, never from what a
    client could write.
    """

    method: str
    path: str
    query: str
    url: str
    headers: dict[str, tuple[str, ...]]
    api: ApiId = ApiId("")
    enforces: frozenset[Obligation] = frozenset()
    x5t: str | None = None

    def header(self, name: str) -> str | None:
        """The only value of a header; None when absent or repeated."""
        values = self.headers.get(name, ())
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Located:
    """What the catalog says a call is: API, route, action, data, and what it touches.

    `endpoint_class`: method and path template. `asked_fields`: empty when the caller names none (all it was granted).
    `since`: the oldest day the caller asks for (`YYYY-MM-DD`), None when it names none.
    """

    api: ApiId
    route: str
    endpoint_class: str
    action: str
    datatype: str
    resources: tuple[str, ...]
    asked_fields: tuple[str, ...]
    sensitivity: int
    since: str | None = None


@dataclass(frozen=True, slots=True)
class RecordRule:
    """Records of a list are kept only if the value at `path` is among `allowed` (ids) or not before `since`."""

    path: tuple[str, ...]
    allowed: frozenset[str] | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class FieldFilter:
    """Obligation: the answer is cut to these paths. `records` leads to the list or object that the fields are of.

    `fields`: JSON paths below a record. `envelope`: further top-level members that may pass whole.
    """

    records: tuple[str, ...]
    fields: tuple[tuple[str, ...], ...]
    envelope: tuple[str, ...] = ()
    rules: tuple[RecordRule, ...] = ()


_NOTHING: frozenset[Obligation] = frozenset()
_CUT = frozenset({Obligation.FIELD_ALLOW_LIST})


@dataclass(frozen=True, slots=True)
class Permit:
    """The call may go on, under these obligations."""

    by: str
    evaluation: EvaluationId
    purpose: PurposeId
    fields: tuple[str, ...]
    filter: FieldFilter | None
    policy: str

    @property
    def obligations(self) -> frozenset[Obligation]:
        """What must happen on the way back; who cannot see to all of it must not let the call go on."""
        return _NOTHING if self.filter is None else _CUT

    def __bool__(self) -> NoReturn:
        """A decision is told apart by its type, never by truth."""
        raise TypeError("match on Permit or Deny")


@dataclass(frozen=True, slots=True)
class Deny:
    """The call ends here. `because` is told to the caller, `detail` to the operator alone."""

    because: Reason
    evaluation: EvaluationId
    detail: str = ""
    missing: tuple[dict[str, object], ...] = field(default=())

    def __bool__(self) -> NoReturn:
        """A decision is told apart by its type, never by truth."""
        raise TypeError("match on Permit or Deny")

    @property
    def answer(self) -> Answer:
        """Status, OAuth error and title for this reason."""
        return ANSWERS[self.because]


Decision = Permit | Deny
