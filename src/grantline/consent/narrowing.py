"""Is this no wider than that? The one comparison behind the ceiling, the picks, the amendment and the renewal."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from grantline.catalog import Asked, Catalog, key_of
from grantline.model.consent import Item
from grantline.model.errors import InvalidScope


def covers(wide: Item, narrow: Item, *, open_resources: bool) -> bool:
    """True if everything that `narrow` allows, `wide` allows too.

    `open_resources`: `wide` is what may be agreed to (requests, ceilings), not what was: no resources mean "any that
    the person picks", and an explicit yes is still to be given.
    """
    return (
        (wide.type, wide.api, wide.datatype, wide.purpose, wide.locations)
        == (narrow.type, narrow.api, narrow.datatype, narrow.purpose, narrow.locations)
        and set(narrow.actions) <= set(wide.actions)
        and set(narrow.fields) <= set(wide.fields)
        and ((open_resources and not wide.resources) or _within(narrow.resources, wide.resources))
        and _reaches(wide.lookback_days) >= _reaches(narrow.lookback_days)
        and most_calls(wide) >= most_calls(narrow)
        and (open_resources or bool(wide.explicit) or not narrow.explicit)
    )


def _within(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    # An item without resources is about data that has none: it is not narrower than one about some account.
    return set(narrow) <= set(wide) and bool(narrow) == bool(wide)


def _reaches(lookback_days: int | None) -> float:
    return float("inf") if lookback_days is None else lookback_days


def most_calls(item: Item) -> float:
    """How many calls it allows; infinity where it sets no limit."""
    return float("inf") if item.calls is UNSET else item.calls


def all_covered(narrow: Iterable[Item], wide: Iterable[Item], *, open_resources: bool) -> bool:
    """True if each item is covered by some item of `wide`."""
    limits = tuple(wide)
    return all(any(covers(limit, item, open_resources=open_resources) for limit in limits) for item in narrow)


def effective(catalog: Catalog, asked: Iterable[Asked], ceiling: tuple[Item, ...]) -> tuple[Asked, ...]:
    """What may be put before the person: asked ∩ the client's ceiling ∩ the fields its purpose may use (I1).

    Optional fields outside are left out. Raises `InvalidScope` where a required field, or a whole item that has one,
    is outside, and where nothing is left of something.
    """
    found = [_effective(catalog, one, ceiling) for one in asked]
    kept = tuple(one for one in found if one is not None)
    if found and not kept:
        raise InvalidScope("Nothing of this request is open to this client.")
    return kept


def _effective(catalog: Catalog, asked: Asked, ceiling: tuple[Item, ...]) -> Asked | None:
    item = asked.item
    limits = [limit for limit in ceiling if _same(limit, item)]
    allowed = set(catalog.permitted_fields(item)) & {field for limit in limits for field in limit.fields}
    beyond = sorted(set(asked.required) - allowed)
    if beyond:
        raise InvalidScope("A field this client needs is not open to it.", detail=f"{key_of(item)}: {beyond}")
    fields = tuple(field for field in item.fields if field in allowed)
    if not fields:
        return None
    lookback = min(_reaches(days) for days in (item.lookback_days, *(one.lookback_days for one in limits)))
    calls = min(most_calls(item), *(most_calls(one) for one in limits))
    narrowed = msgspec.structs.replace(
        item,
        fields=fields,
        resources=_shared(item.resources, limits),
        lookback_days=None if lookback == float("inf") else int(lookback),
        calls=UNSET if calls == float("inf") else int(calls),
    )
    return Asked(item=narrowed, required=asked.required)


def _same(limit: Item, item: Item) -> bool:
    return (limit.api, limit.datatype, limit.purpose) == (item.api, item.datatype, item.purpose) and set(
        item.actions
    ) <= set(limit.actions)


def _shared(resources: tuple[str, ...], limits: list[Item]) -> tuple[str, ...]:
    for limit in limits:
        if limit.resources:
            resources = tuple(one for one in resources or limit.resources if one in limit.resources)
            if not resources:
                raise InvalidScope("None of the things asked for is open to this client.")
    return resources
