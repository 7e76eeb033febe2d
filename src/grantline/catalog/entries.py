"""The catalog's own words, exactly as its TOML file has them. Unknown keys are errors; nothing here is computed."""

from enum import StrEnum

import msgspec

from grantline.model.ids import ApiId, GatewayId, PurposeId


class TokenFormat(StrEnum):
    """How an access token looks: signed claims (RFC 9068), or a name that only the authority can resolve (RFC 7662)."""

    JWT = "jwt"
    OPAQUE = "opaque"


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A misspelt key in a catalog must never pass silently."""


class Operator(_Strict, frozen=True):
    """Who runs this instance: the controller named on screens, receipts and records."""

    name: str
    contact: str
    jurisdiction: str
    authority: str
    rights: str
    storage_locations: tuple[str, ...]


class PurposeEntry(_Strict, frozen=True):
    """Why data may be used. `label` completes "Because: …". `dpv`: IRI of W3C DPV 2.2 or later.

    `permits`: `api.data` → the fields this purpose may ever use. For a kind of data it does not name, the purpose
    may use what the scopes with this purpose name, and nothing else.
    """

    version: int
    label: str
    basis: str
    max_days: int
    retention: str
    dpv: str | None = None
    permits: dict[str, tuple[str, ...]] = {}


class ActionEntry(_Strict, frozen=True):
    """A kind of act. `verb` starts its line; `changes` puts it under "What it may change"."""

    verb: str
    changes: bool = False


class FieldEntry(_Strict, frozen=True):
    """One field of a kind of data. `path`: where it stands in a record, default its own id.

    `group`: fields of one group are offered as one line. `without`: what happens if it is not given.
    """

    label: str
    path: tuple[str, ...] = ()
    group: str | None = None
    without: str | None = None


class GroupEntry(_Strict, frozen=True):
    """Fields that are offered together, with the words for the whole."""

    label: str
    without: str | None = None


class DataEntry(_Strict, frozen=True):
    """A kind of data: its words, its fields, and which field dates a record (for the lookback)."""

    label: str
    sensitivity: int
    fields: dict[str, FieldEntry]
    groups: dict[str, GroupEntry] = {}
    date_field: str | None = None
    special: bool = False


class RouteEntry(_Strict, frozen=True):
    """One route of an API: method and path template to action and data.

    `resource`: name of the path parameter that is a granted resource id. `resource_path`: where each record of a
    list carries its resource id, when the route names none (records of others are dropped).
    `records`: members that lead to the record or list of records. `envelope`: further members that may pass whole.
    `fields_parameter`: query parameter by which a caller asks for fields (comma separated).
    `since_parameter`: query parameter with the oldest date asked for. `operator_only`: never delegated to an app.
    `unfiltered`: its answers hold nothing about a person and may pass whole.
    `acr_values`: levels of sign-in of which the person's has to meet one; `max_age`: seconds for which it counts here.
    Otherwise the caller is told to have the person sign in again (RFC 9470).
    """

    id: str
    method: str
    path: str
    action: str
    data: str
    label: str
    resource: str | None = None
    resource_path: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    envelope: tuple[str, ...] = ()
    fields_parameter: str | None = None
    since_parameter: str | None = None
    operator_only: bool = False
    unfiltered: bool = False
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None


class ResourceList(_Strict, frozen=True):
    """How the authority learns what a person may share. `{owner}` is the person's name at that API.

    `purpose`: why the operator itself may ask, named in the consent it gives itself.
    The answer is `{"resources": [{"id", "label", "note"?, "available", "reason"?}]}`.
    """

    path: str
    heading: str
    one: str
    many: str
    purpose: PurposeId


class ApiEntry(_Strict, frozen=True):
    """One API. `resource` is its RFC 8707 identifier and the audience of tokens; `type` its RFC 9396 type.

    `address`: base URL by which the authority reaches it through its gateway (may be set at run time).
    `token_format`: of access tokens for it, alone or among others: readable by who has them, or opaque.
    """

    label: str
    type: str
    resource: str
    gateways: tuple[GatewayId, ...]
    data: dict[str, DataEntry]
    routes: tuple[RouteEntry, ...]
    resource_list: ResourceList | None = None
    address: str | None = None
    token_format: TokenFormat = TokenFormat.JWT


class ScopeEntry(_Strict, frozen=True):
    """A scope is a name for an authorization detail. `required` fields are locked, `optional` start unticked.

    `calls`: at most so many calls under one consent; None: no limit.
    """

    api: ApiId
    data: str
    actions: tuple[str, ...]
    purpose: PurposeId
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    lookback_days: int | None = None
    calls: int | None = None


class CatalogFile(_Strict, frozen=True):
    """The whole file."""

    operator: Operator
    purposes: dict[PurposeId, PurposeEntry]
    actions: dict[str, ActionEntry]
    apis: dict[ApiId, ApiEntry]
    scopes: dict[str, ScopeEntry]
    durations_days: tuple[int, ...] = (30, 90, 180, 365)
