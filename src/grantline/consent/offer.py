"""What a person is shown and what they may pick: lines made from the requested items, never from scope names."""

from dataclasses import dataclass

from grantline.model.ids import ApiId, ClientId


@dataclass(frozen=True, slots=True)
class FieldWords:
    """One field as the catalog names it."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class ClientCard:
    """Who asks. `tier`: verified, registered or self_registered. `host`: of its web address, never of its name."""

    id: ClientId
    name: str
    tier: str
    kind: str
    host: str
    redirect_host: str
    publisher: str
    verified_by: str | None


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One line of the screen: verb + fields + data, because purpose. `key` is its stable form value."""

    key: str
    api: ApiId
    datatype: str
    action: str
    verb: str
    changes: bool
    label: str
    datatype_label: str
    fields: tuple[FieldWords, ...]
    purpose: str
    purpose_label: str
    required: bool
    without: str | None


@dataclass(frozen=True, slots=True)
class ResourceChoice:
    """One thing of the API that the person may share, or why not."""

    id: str
    label: str
    note: str | None
    available: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class ResourceGroup:
    """The things of one API, under the catalog's heading."""

    api: ApiId
    heading: str
    one: str
    many: str
    choices: tuple[ResourceChoice, ...]


@dataclass(frozen=True, slots=True)
class DurationChoice:
    """A length with its end (unix seconds)."""

    days: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Lookback:
    """How far back data of one kind may reach: days, and the day itself (unix seconds)."""

    datatype_label: str
    days: int
    since: int


@dataclass(frozen=True, slots=True)
class Offer:
    """The whole question. `digest` pins it: an answer to another offer is refused."""

    client: ClientCard
    operator: str
    apis: tuple[str, ...]
    lines: tuple[OfferLine, ...]
    resources: tuple[ResourceGroup, ...]
    durations: tuple[DurationChoice, ...]
    default_days: int
    lookbacks: tuple[Lookback, ...]
    facts: tuple[tuple[str, str], ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Picks:
    """What the person ticked: keys of optional lines, ids of resources by API, a length in days."""

    lines: frozenset[str]
    resources: dict[ApiId, tuple[str, ...]]
    days: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The recap of some picks, in the words of the enforced object. `problems` say what is still to choose."""

    fields: int
    resources: tuple[str, ...]
    purposes: tuple[str, ...]
    until: int
    changes: tuple[str, ...]
    problems: tuple[str, ...]
