"""What a client asks for: items, and which of their fields it cannot do without."""

from collections.abc import Iterable

import msgspec

from grantline.model.consent import Item
from grantline.model.errors import InvalidAuthorizationDetails
from grantline.model.ids import ApiId, PurposeId


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One item with exactly one action. `required` ⊆ `item.fields` is locked on the screen, the rest starts unticked.

    `item.resources` is empty when the client names none: then the person picks from the API's own list.
    """

    item: Item
    required: tuple[str, ...] = ()


AskedKey = tuple[ApiId, str, str, PurposeId]


def key_of(item: Item) -> AskedKey:
    """What makes two items speak of the same thing: API, data, action, purpose."""
    return item.api, item.datatype, item.actions[0], item.purpose


def join(asked: Iterable[Asked]) -> tuple[Asked, ...]:
    """Items of the same API, data, action and purpose become one; the order of first mention stays.

    Raises `InvalidAuthorizationDetails` when they differ in resources, lookback or calls: joining would widen one.
    """
    joined: dict[AskedKey, Asked] = {}
    for one in asked:
        key = key_of(one.item)
        joined[key] = _both(joined[key], one) if key in joined else one
    return tuple(joined.values())


def _limits(item: Item) -> tuple[object, ...]:
    return item.resources, item.lookback_days, item.calls


def _both(first: Asked, second: Asked) -> Asked:
    if _limits(first.item) != _limits(second.item):
        raise InvalidAuthorizationDetails(
            "Ask once for one kind of data, action and purpose, with one list of resources, one lookback, one limit.",
            detail=f"{key_of(first.item)} is asked for twice",
        )
    fields = tuple(dict.fromkeys(first.item.fields + second.item.fields))
    required = tuple(dict.fromkeys(first.required + second.required))
    return Asked(item=msgspec.structs.replace(first.item, fields=fields), required=required)
