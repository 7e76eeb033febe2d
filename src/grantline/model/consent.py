"""A consent: immutable Versions, one mutable State. What a person agreed to, as one hashed object."""

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from grantline.model.ids import ApiId, ClientId, ConsentId, PersonId, PurposeId, SubjectId


class Status(StrEnum):
    """Resting states of a consent (CONSENT.md A). `superseded` is a state of a version, not of a consent."""

    REQUESTED = "requested"
    REFUSED = "refused"
    LAPSED = "lapsed"
    AWAITING_APPROVAL = "awaiting_approval"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    COMPLETED = "completed"
    INVALIDATED = "invalidated"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One enriched authorization detail (RFC 9396 §2): the object that is shown, stored, minted and enforced.

    `resources`: ids of the API's own things (accounts); empty means the data has none.
    `fields`: catalog field ids. `lookback_days`: how old data may be (None: no limit).
    `explicit`: the person agreed to exactly this by an act of its own, which special categories of data need.
    `calls`: at most so many calls in all, for as long as the consent lasts; absent: no limit.
    """

    type: str
    api: ApiId
    actions: tuple[str, ...]
    datatype: str
    fields: tuple[str, ...]
    resources: tuple[str, ...]
    purpose: PurposeId
    locations: tuple[str, ...]
    lookback_days: int | None = None
    # Left out unless it is so: what was hashed and signed without it keeps its bytes.
    explicit: bool | UnsetType = UNSET
    calls: int | UnsetType = UNSET


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose as agreed: the catalog's id and version, its text in the language shown, its legal basis."""

    id: PurposeId
    version: int
    text: str
    dpv: str | None
    basis: str


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who receives or controls the data (ISO/IEC TS 27560 party)."""

    role: str
    name: str
    contact: str
    jurisdiction: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What was put before the person: SHA-256 (hex) of the rendered text lines, template and language."""

    template: str
    language: str
    sha256: str


class Ceremony(msgspec.Struct, frozen=True, kw_only=True):
    """How the decision was taken: authentication methods (RFC 8176 `amr`), its time, time on the screen."""

    id: str
    amr: tuple[str, ...]
    auth_time: int
    decided_ms: int
    channel: str


class Link(msgspec.Struct, frozen=True, array_like=True):
    """One ancestor of a consent that was passed on: which, in which version, at which epoch."""

    grant: ConsentId
    version: int
    epoch: int


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable version. `content_hash` is SHA-256 over the JCS form (RFC 8785) of all other fields.

    `requested` ⊇ `offered` ⊇ `granted`, each a tuple of items. Times are unix seconds.
    `resource_subjects`: (API, the person's name at that API), read by gateways alone.
    `lineage`: ancestors of a consent that is part of another, the first giver's first; it ends when any of them does.
    `agent`: who acts by it, where that is not whom the person gave it to.
    """

    schema_version: str
    record_id: str
    consent_id: ConsentId
    version: int
    prev_hash: str | None
    subject: SubjectId
    acted_by: str
    client: ClientId
    client_name: str
    client_metadata_hash: str
    parties: tuple[Party, ...]
    purposes: tuple[Purpose, ...]
    requested: tuple[Item, ...]
    offered: tuple[Item, ...]
    granted: tuple[Item, ...]
    scope: str
    not_before: int
    expires_at: int
    confirm_every_days: int | None
    notice: Notice
    ceremony: Ceremony
    retention: str
    storage_locations: tuple[str, ...]
    jurisdiction: str
    withdrawal_method: str
    rights: str
    authority: str
    resource_subjects: tuple[tuple[ApiId, str], ...]
    reestablished_from: ConsentId | None = None
    content_hash: str = ""
    # Left out unless they are so: what was hashed without them keeps its bytes.
    lineage: tuple[Link, ...] | UnsetType = UNSET
    agent: str | UnsetType = UNSET

    @property
    def ancestors(self) -> tuple[Link, ...]:
        """The lineage; empty for what nobody passed on."""
        return self.lineage or ()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The one mutable part. `epoch` is what a new token carries; gateways refuse tokens below `min_epoch`."""

    consent_id: ConsentId
    person: PersonId
    subject: SubjectId
    client: ClientId
    status: Status
    version: int
    epoch: int
    min_epoch: int
    confirmed_at: int
    created_at: int
    ended_at: int | None = None
    cause: str | None = None
    ended_by: str | None = None


class EnforcedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway gets of a version: only items of its own APIs, no person, and the authority's signature.

    `explicit`: always empty, for each item says it of itself; kept because what is signed only grows.
    `signature` is a compact JWS (ES256, typ `grantline-version+jwt`) over this object with `signature` empty.
    `lineage`, `agent`: as in `Version`; a call must be allowed by each of the ancestors too.
    """

    consent_id: ConsentId
    version: int
    content_hash: str
    client: ClientId
    subject: SubjectId
    items: tuple[Item, ...]
    not_before: int
    expires_at: int
    confirmed_at: int
    confirm_every_days: int | None
    resource_subjects: tuple[tuple[ApiId, str], ...]
    signature: str = ""
    explicit: tuple[PurposeId, ...] = ()
    # Left out unless they are so: what was signed without them keeps its bytes.
    lineage: tuple[Link, ...] | UnsetType = UNSET
    agent: str | UnsetType = UNSET

    @property
    def ancestors(self) -> tuple[Link, ...]:
        """The lineage; empty for what nobody passed on."""
        return self.lineage or ()
