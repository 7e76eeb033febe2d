"""Authorization details as clients write them (RFC 9396), read strictly into items, and items written back."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from grantline.catalog.asked import Asked, join
from grantline.catalog.entries import ApiEntry, CatalogFile, DataEntry
from grantline.model.consent import Item
from grantline.model.errors import InvalidAuthorizationDetails
from grantline.model.ids import ApiId, PurposeId

ALL = "*"
MOST_CALLS = 1_000_000
_MAX_DETAILS = 32
_MAX_VALUES = 64
_MAX_TEXT = 256


class Detail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One authorization detail of our types. `fields` may be `["*"]`: all that the purpose may use, none locked.

    `required`: the fields without which the client cannot work; left out, it is all of an explicit list.
    `explicit` is ours to write: in what a client asks for it says nothing, so that it may send back what it was given.
    """

    type: str
    actions: tuple[str, ...]
    datatypes: tuple[str, ...]
    fields: tuple[str, ...]
    purpose: PurposeId
    locations: tuple[str, ...] = ()
    required: tuple[str, ...] | None = None
    resources: tuple[str, ...] = ()
    lookback_days: int | None = None
    explicit: bool = False
    calls: int | None = None


def parse(file: CatalogFile, raw: object) -> tuple[Asked, ...]:
    """Decoded JSON → what is asked for, one action each; raises `InvalidAuthorizationDetails` (RFC 9396 §5)."""
    if not isinstance(raw, list) or not 0 < len(raw) <= _MAX_DETAILS:
        raise InvalidAuthorizationDetails(f"Send a list of 1 to {_MAX_DETAILS} authorization details.")
    return join(asked for place, one in enumerate(raw) for asked in _read(file, one, f"authorization_details[{place}]"))


def _read(file: CatalogFile, raw: object, at: str) -> Iterable[Asked]:
    try:
        detail = msgspec.convert(raw, Detail)
    except msgspec.ValidationError as error:
        raise InvalidAuthorizationDetails(f"{at}: {error}") from error
    _check_sizes(detail, at)
    api = next((api for api, entry in file.apis.items() if entry.type == detail.type), None)
    if api is None:
        raise InvalidAuthorizationDetails(f"{at}: the type is unknown.")
    data = _check_references(file, file.apis[api], detail, at)
    for action in detail.actions:
        fields, required = _fields(file, api, action, detail, at)
        yield Asked(
            item=Item(
                type=detail.type,
                api=api,
                actions=(action,),
                datatype=detail.datatypes[0],
                fields=fields,
                resources=detail.resources,
                purpose=detail.purpose,
                locations=(file.apis[api].resource,),
                lookback_days=detail.lookback_days,
                calls=UNSET if detail.calls is None else detail.calls,
            ),
            required=tuple(field for field in data.fields if field in required),
        )


def _check_sizes(detail: Detail, at: str) -> None:
    lists = {
        "actions": detail.actions,
        "datatypes": detail.datatypes,
        "fields": detail.fields,
        "locations": detail.locations,
        "resources": detail.resources,
        "required": detail.required or (),
    }
    for name, values in lists.items():
        if len(values) > _MAX_VALUES or any(not 0 < len(value) <= _MAX_TEXT for value in values):
            raise InvalidAuthorizationDetails(f"{at}.{name}: too many or too long values, or an empty one.")
        if len(set(values)) != len(values):
            raise InvalidAuthorizationDetails(f"{at}.{name}: a value is repeated.")
    if len(detail.datatypes) != 1 or not detail.actions or not detail.fields:
        raise InvalidAuthorizationDetails(f"{at}: name one datatype, at least one action and at least one field.")


def _check_references(file: CatalogFile, api: ApiEntry, detail: Detail, at: str) -> DataEntry:
    data = api.data.get(detail.datatypes[0])
    if data is None:
        raise InvalidAuthorizationDetails(f"{at}.datatypes: unknown for this type.")
    if detail.purpose not in file.purposes:
        raise InvalidAuthorizationDetails(f"{at}.purpose: unknown.")
    if detail.locations not in {(), (api.resource,)}:
        raise InvalidAuthorizationDetails(f"{at}.locations: this type has one location, {api.resource}.")
    if detail.lookback_days is not None and (data.date_field is None or not 0 < detail.lookback_days <= 36_500):
        raise InvalidAuthorizationDetails(f"{at}.lookback_days: not a number of days, or the data has no dates.")
    if detail.calls is not None and not 0 < detail.calls <= MOST_CALLS:
        raise InvalidAuthorizationDetails(f"{at}.calls: not a number of calls from 1 to {MOST_CALLS}.")
    return data


def _fields(
    file: CatalogFile, api: ApiId, action: str, detail: Detail, at: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(fields, required). An explicit list is locked unless the client says which part is; a wildcard never is."""
    permitted = permitted_fields(file, api, detail.datatypes[0], (action,), detail.purpose)
    if not permitted:
        raise InvalidAuthorizationDetails(f"{at}: nothing here may be used in this way for this purpose.")
    if detail.fields == (ALL,):
        if detail.required:
            raise InvalidAuthorizationDetails(f"{at}.required: a wildcard cannot have required fields.")
        return permitted, ()
    outside = sorted(set(detail.fields) - set(permitted))
    if outside:
        raise InvalidAuthorizationDetails(f"{at}.fields: not for this purpose: {', '.join(outside)}.")
    required = detail.fields if detail.required is None else detail.required
    if not set(required) <= set(detail.fields):
        raise InvalidAuthorizationDetails(f"{at}.required: not among the fields.")
    return tuple(field for field in permitted if field in detail.fields), required


def permitted_fields(
    file: CatalogFile, api: ApiId, datatype: str, actions: tuple[str, ...], purpose: PurposeId
) -> tuple[str, ...]:
    """Fields of a kind of data that a purpose may use for these actions, in catalog order.

    An action must be reachable by an app: one whose every route is for the operator alone permits nothing.
    """
    entry = file.apis.get(api)
    if entry is None or datatype not in entry.data or purpose not in file.purposes:
        return ()
    open_actions = {route.action for route in entry.routes if route.data == datatype and not route.operator_only}
    if not set(actions) <= open_actions:
        return ()
    named = file.purposes[purpose].permits.get(f"{api}.{datatype}")
    if named is None:
        scopes = [s for s in file.scopes.values() if (s.api, s.data, s.purpose) == (api, datatype, purpose)]
        named = tuple(field for s in scopes if set(actions) <= set(s.actions) for field in s.required + s.optional)
    return tuple(field for field in entry.data[datatype].fields if field in named)


def to_detail(item: Item) -> dict[str, object]:
    """The RFC 9396 form of an item, as it stands in token answers and introspection."""
    detail: dict[str, object] = {
        "type": item.type,
        "locations": list(item.locations),
        "actions": list(item.actions),
        "datatypes": [item.datatype],
        "fields": list(item.fields),
        "purpose": item.purpose,
    }
    if item.resources:
        detail["resources"] = list(item.resources)
    if item.lookback_days is not None:
        detail["lookback_days"] = item.lookback_days
    if item.explicit:
        detail["explicit"] = True
    if item.calls is not UNSET:
        detail["calls"] = item.calls
    return detail


def from_detail(file: CatalogFile, detail: object) -> Item:
    """The item that `to_detail` wrote; raises `InvalidAuthorizationDetails` for anything else.

    Unlike `parse` it reads what was enriched: nothing is expanded, permitted or split here.
    """
    try:
        read = msgspec.convert(detail, Detail)
        api, entry = next((api, entry) for api, entry in file.apis.items() if entry.type == read.type)
        (datatype,) = read.datatypes
    except (msgspec.ValidationError, StopIteration, ValueError) as error:
        raise InvalidAuthorizationDetails("Not an authorization detail of this catalog.", detail=str(error)) from error
    return Item(
        type=read.type,
        api=api,
        actions=read.actions,
        datatype=datatype,
        fields=read.fields,
        resources=read.resources,
        purpose=read.purpose,
        locations=read.locations or (entry.resource,),
        lookback_days=read.lookback_days,
        explicit=read.explicit or UNSET,
        calls=UNSET if read.calls is None else read.calls,
    )
