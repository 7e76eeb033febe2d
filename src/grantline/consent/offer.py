"""What a person is shown and what they may pick: lines made from the requested items, never from scope names."""

from dataclasses import dataclass

from grantline.catalog import Asked
from grantline.model.consent import Ceremony, Item
from grantline.model.ids import ApiId, ClientId


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence, maybe stressed."""

    text: str
    strong: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProfile:
    """What the registry knows of the client who asks.

    `ceiling`: the most it may ever be granted, as items (those of its registered scopes; resources open).
    `metadata_hash`: SHA-256 (hex) of its registration. `contact`, `jurisdiction`: of its publisher, as declared.
    """

    card: ClientCard
    ceiling: tuple[Item, ...]
    metadata_hash: str
    contact: str
    jurisdiction: str = "not known"


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One line of the screen: verb + fields + data, because purpose. `key` is its stable form value.

    `new`: those of its fields that are not shared now, where something is changed that stands. `stays`: it is locked
    because it is shared now. `calls`: how often at most, None: no limit.
    """

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
    new: tuple[FieldWords, ...] = ()
    stays: bool = False
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class ExplicitChoice:
    """A special category of data, which is shared by a yes to exactly that and by nothing else.

    `key`: its form value. `lines`: keys of the lines it is about; `required`: one of them is.
    """

    key: str
    verb: str
    datatype_label: str
    purpose_label: str
    lines: tuple[str, ...]
    required: bool


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
    """The things of one API, under the catalog's heading.

    `before`: those that are shared now; `locked`: those of them that stay so, whatever is picked.
    """

    api: ApiId
    heading: str
    one: str
    many: str
    choices: tuple[ResourceChoice, ...]
    before: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """What a yes would change of what stands (C8); what is new stands in the lines. `since`, `ends_at`: unix seconds.

    `replaces`: nothing stays that is not asked for again. `about`: what it newly learns of the person. `stays`, `goes`:
    sentences about what is not in the lines.
    """

    replaces: bool
    version: int
    since: int
    ends_at: int
    about: tuple[str, ...]
    stays: tuple[str, ...]
    goes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """The whole question. `digest` pins it: an answer to another offer is refused.

    `about`: what the client learns of the person without any API. Where it is all that is asked, there are no lines.
    `changing`: where the answer changes a consent that stands.
    """

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
    explicit: tuple[ExplicitChoice, ...] = ()
    about: tuple[str, ...] = ()
    changing: Changing | None = None


@dataclass(frozen=True, slots=True)
class Picks:
    """What the person ticked: keys of optional lines, ids of resources by API, a length in days.

    `explicit`: keys of the special categories that got a yes of their own.
    """

    lines: frozenset[str]
    resources: dict[ApiId, tuple[str, ...]]
    days: int
    explicit: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Agreed:
    """An answer, narrowed and checked: what is granted, until when (unix seconds), and the offer it answers."""

    items: tuple[Item, ...]
    expires_at: int
    offer: Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's yes with all it rests on: who asked, what for, what was agreed, how it was decided.

    `asked` and `scope` (space separated) as requested. `agreed`: what `narrow` made of the picks over `asked`.
    `resource_subjects`: (API, the person's name there). `language`: BCP 47 tag of the text shown.
    """

    client: ClientProfile
    asked: tuple[Asked, ...]
    scope: str
    agreed: Agreed
    ceremony: Ceremony
    resource_subjects: tuple[tuple[ApiId, str], ...]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is still to choose. `about`: the API or the `ExplicitChoice.key` it is about; empty: the lines."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The recap of some picks, in the words of the enforced object. `problems` say what is still to choose."""

    fields: int
    resources: tuple[str, ...]
    purposes: tuple[str, ...]
    until: int
    changes: tuple[str, ...]
    problems: tuple[Problem, ...]
