"""A consent that stands, and another request on it: what is new, what stays, what goes (C8). Pure but for its events.

`merge`: what was agreed stays, what is asked now is added, and the whole of what is asked about is put before the
person as it would then be. `replace`: what is asked now takes the place of everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from msgspec import UNSET

from grantline.catalog import Asked, Catalog, key_of
from grantline.consent.narrowing import effective, most_calls
from grantline.model.consent import Item, Version
from grantline.model.errors import InvalidScope


class Manner(StrEnum):
    """How a request changes a consent, in the words of Grant Management (§5.2)."""

    MERGE = "merge"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to decide on. `before`: what stands. `asked`: what the person is asked about, as it would then be.

    `kept`: items that nobody asked about and that stay. `scope`: all that would be named then, space separated.
    """

    manner: Manner
    before: Version
    asked: tuple[Asked, ...]
    kept: tuple[Item, ...]
    scope: str

    @property
    def all_asked(self) -> tuple[Asked, ...]:
        """What the record takes for the request: the question, and what stays because of it."""
        return (*self.asked, *(Asked(item=item, required=item.fields) for item in self.kept))


def change(
    catalog: Catalog,
    before: Version,
    *,
    manner: Manner,
    asked: tuple[Asked, ...],
    scope: str,
    ceiling: tuple[Item, ...],
) -> Change:
    """What a request for `asked` makes of `before`; raises `InvalidScope` where nothing of it is open to the client.

    What stands but would not be open to the client any more is not kept: a fresh yes is never wider than its ceiling.
    """
    wanted = effective(catalog, asked, ceiling)
    if manner is Manner.REPLACE:
        return Change(manner=manner, before=before, asked=wanted, kept=(), scope=scope)
    standing = {key_of(item): item for item in _still_open(catalog, before.granted, ceiling)}
    keys = {key_of(one.item) for one in wanted}
    return Change(
        manner=manner,
        before=before,
        asked=tuple(_joined(one, standing.get(key_of(one.item))) for one in wanted),
        kept=tuple(item for key, item in standing.items() if key not in keys),
        scope=" ".join(dict.fromkeys((*before.scope.split(), *scope.split()))),
    )


def new_fields(before: Version, item: Item) -> tuple[str, ...]:
    """The fields of an asked item that are not granted now; all of them where it would allow more calls than now."""
    same = [one for one in before.granted if key_of(one) == key_of(item) and most_calls(one) >= most_calls(item)]
    granted = {field for one in same for field in one.fields}
    return tuple(field for field in item.fields if field not in granted)


def going(change: Change) -> tuple[Item, ...]:
    """The parts of what stands that the person could not keep by any answer but a refusal."""
    staying = {key_of(item): set(item.fields) for item in (*(one.item for one in change.asked), *change.kept)}
    parts = ((item, [one for one in item.fields if one not in staying.get(key_of(item), ())]) for item in
             change.before.granted)  # fmt: skip
    return tuple(msgspec.structs.replace(item, fields=tuple(lost)) for item, lost in parts if lost)


def locked(change: Change, api: str) -> tuple[str, ...]:
    """The things of this API that stay shared, because what is asked about is shared for them now (merge)."""
    if change.manner is Manner.REPLACE:
        return ()
    keys = {key_of(one.item) for one in change.asked}
    return _things(item for item in change.before.granted if item.api == api and key_of(item) in keys)


def shared(change: Change, api: str) -> tuple[str, ...]:
    """The things of this API that are shared now."""
    return _things(item for item in change.before.granted if item.api == api)


def _things(items: Iterable[Item]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for item in items for one in item.resources))


def _still_open(catalog: Catalog, items: Iterable[Item], ceiling: tuple[Item, ...]) -> Iterable[Item]:
    for item in items:
        try:
            (found,) = effective(catalog, (Asked(item=item),), ceiling)
        except InvalidScope:
            continue
        yield found.item


def _joined(asked: Asked, standing: Item | None) -> Asked:
    """Both in one, what stands locked. An explicit yes is said again: it belongs to what is agreed now."""
    if standing is None:
        return asked
    item, reaches = asked.item, (asked.item.lookback_days, standing.lookback_days)
    limits = item.calls, standing.calls
    both = msgspec.structs.replace(
        item,
        fields=_both(standing.fields, item.fields),
        resources=_both(standing.resources, item.resources) if item.resources else (),
        locations=_both(item.locations, standing.locations),
        lookback_days=None if None in reaches else max(days for days in reaches if days is not None),
        explicit=UNSET,
        calls=UNSET if UNSET in limits else max(limit for limit in limits if limit is not UNSET),
    )
    return Asked(item=both, required=_both(standing.fields, asked.required))


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first + second))
