"""A part of what is held: scopes, items, fields, things, days, calls, audiences. Never more of any (I10)."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from grantline.catalog import Asked, Catalog, key_of
from grantline.consent import words
from grantline.consent.narrowing import covers, effective
from grantline.consent.scopes import granted_scope
from grantline.model.consent import Item
from grantline.model.errors import InvalidAuthorizationDetails, InvalidScope, InvalidTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What there is to take a part of: agreed items, the scopes that name them, the audiences."""

    items: tuple[Item, ...]
    scope: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What part is wanted. Nothing said means all of it; scopes and details together mean both.

    `details`: as a client asks for them, one action each; what they leave open is as it is held.
    """

    scopes: tuple[str, ...] = ()
    details: tuple[Asked, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most that the receiver may have: scopes by name, and the items these stand for."""

    scopes: tuple[str, ...]
    items: tuple[Item, ...]


def attenuate(catalog: Catalog, held: Held, wish: Wish, ceiling: Ceiling | None = None) -> Held:
    """The part of `held` that is wanted; `ceiling` where another receives it.

    Raises `InvalidScope`, `InvalidAuthorizationDetails` or `InvalidTarget` for a wish beyond what is held or may be
    received, and where nothing is left. What was merely not mentioned is cut without a word.
    """
    held = _towards(held, wish.resources)
    if ceiling is not None:
        held = _received(catalog, held, ceiling)
    items = _chosen(catalog, held, wish)
    if not items:
        raise InvalidScope("Nothing of this access can be passed on.")
    places = {place for item in items for place in item.locations}
    if not set(wish.resources) <= places:
        raise InvalidTarget("For a resource asked for, nothing is held.")
    names = granted_scope(catalog, " ".join(wish.scopes) or held.scope, items)
    return Held(items=items, scope=names, resources=tuple(one for one in held.resources if one in places))


def _towards(held: Held, wanted: tuple[str, ...]) -> Held:
    """What is held for these audiences alone (RFC 8707 §2.2)."""
    if not set(wanted) <= set(held.resources):
        raise InvalidTarget("A resource asked for is unknown, or nothing is held for it.")
    resources = tuple(one for one in held.resources if not wanted or one in wanted)
    items = tuple(item for item in held.items if set(item.locations) & set(resources))
    return Held(items=items, scope=held.scope, resources=resources)


def _received(catalog: Catalog, held: Held, ceiling: Ceiling) -> Held:
    """What another may receive of it: within its registration, and no special data, which takes a yes to just that."""
    plain = [item for item in held.items if not words.special(catalog, item.api, item.datatype)]
    scope = " ".join(one for one in held.scope.split() if one in ceiling.scopes and one in catalog.file.scopes)
    return Held(items=_within(catalog, plain, ceiling.items), scope=scope, resources=held.resources)


def _chosen(catalog: Catalog, held: Held, wish: Wish) -> tuple[Item, ...]:
    if not wish.scopes and not wish.details:
        return held.items
    if not set(wish.scopes) <= set(held.scope.split()):
        raise InvalidScope("A scope asked for is beyond what is held, or beyond what this client may have.")
    named = _named(catalog, held, wish.scopes)
    return (*named, *(one for one in _detailed(held, wish.details) if key_of(one) not in {key_of(x) for x in named}))


def _named(catalog: Catalog, held: Held, scopes: tuple[str, ...]) -> tuple[Item, ...]:
    """The items that these scopes stand for, cut to what they name."""
    if not scopes:
        return ()
    each = [item for scope in scopes for item in catalog.scope_items((scope,))]
    return _within(catalog, held.items, tuple(each))


def _within(catalog: Catalog, items: Iterable[Item], limits: tuple[Item, ...]) -> tuple[Item, ...]:
    try:
        found = effective(catalog, [Asked(item=item) for item in items], limits)
    except InvalidScope as error:
        raise InvalidScope("Nothing of this access can be passed on.", detail=error.detail) from error
    return tuple(one.item for one in found)


def _detailed(held: Held, details: tuple[Asked, ...]) -> Iterable[Item]:
    for asked in details:
        fitted = (_fitted(asked, item) for item in held.items)
        found = next((one for one in fitted if one is not None), None)
        if found is None:
            raise InvalidAuthorizationDetails("An authorization detail is beyond what is held, or may be had.")
        yield found


def _fitted(asked: Asked, held: Item) -> Item | None:
    """`asked` as a part of `held`, what it leaves open filled from there; None if it is none.

    Fields that the client can do without are cut, and so are a lookback and a limit that it leaves open; all else has
    to fit.
    """
    wanted, item = asked.item, held
    fields = tuple(field for field in wanted.fields if field in item.fields)
    part = msgspec.structs.replace(
        wanted,
        fields=fields,
        resources=wanted.resources or item.resources,
        lookback_days=item.lookback_days if wanted.lookback_days is None else wanted.lookback_days,
        explicit=item.explicit,
        calls=item.calls if wanted.calls is UNSET else wanted.calls,
    )
    enough = bool(fields) and set(asked.required) <= set(fields)
    return part if enough and covers(item, part, open_resources=False) else None
