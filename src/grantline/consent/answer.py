"""Reads the answer: picks may only narrow what the server holds. Anything that would widen it is refused (C15)."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from grantline.catalog import Asked, Catalog, key_of
from grantline.consent import words
from grantline.consent.lines import form_key
from grantline.consent.narrowing import all_covered, effective
from grantline.consent.offer import (
    Agreed,
    ClientProfile,
    Offer,
    OfferLine,
    Picks,
    Problem,
    ResourceGroup,
    Summary,
)
from grantline.model.consent import Item
from grantline.model.errors import InvalidRequest


def narrow(
    *,
    catalog: Catalog,
    client: ClientProfile,
    asked: tuple[Asked, ...],
    offer: Offer,
    picks: Picks,
    digest: str,
    kept: tuple[Item, ...] = (),
) -> Agreed:
    """Offer and picks → what is granted. `digest`: the one that came back with the form. `kept`: what stays anyway.

    Raises `InvalidRequest` if the form answers another offer, names anything that was not offered, or lacks a
    choice that must be made; then nothing may be stored.
    """
    if digest != offer.digest:
        raise InvalidRequest("This question has changed. Look at it again.")
    _check_known(offer, picks)
    problems = _problems(offer, picks)
    if problems:
        raise InvalidRequest(" ".join(problem.text for problem in problems))
    limits = effective(catalog, asked, client.ceiling)
    items = tuple(item for one in limits for item in _granted(catalog, one, offer, picks))
    complete = all(one.resources or not catalog.needs_resources(one.api, one.datatype) for one in items)
    within = all_covered(items, (one.item for one in limits), open_resources=True)
    if bool(items) != bool(offer.lines) or not complete or not within:
        raise InvalidRequest("The answer does not fit the question.", detail="picks beyond the effective request")
    return Agreed(items=(*items, *kept), expires_at=_ends_at(offer, picks), offer=offer)


def summarise(*, catalog: Catalog, asked: tuple[Asked, ...], offer: Offer, picks: Picks) -> Summary:
    """The recap of picks that may still lack something. Raises `InvalidRequest` for what was not offered."""
    _check_known(offer, picks)
    lines = _taken(offer, picks)
    items = tuple(item for one in asked for item in _granted(catalog, one, offer, picks))
    apis = {line.api for line in lines}
    labels = [
        choice.label
        for group in offer.resources
        if group.api in apis
        for choice in group.choices
        if choice.id in _chosen(group, picks)
    ]
    return Summary(
        fields=words.field_count(item for item in items if not words.changes(catalog, item.actions[0])),
        resources=tuple(labels),
        purposes=tuple(dict.fromkeys(line.purpose_label for line in lines)),
        until=_ends_at(offer, picks),
        changes=tuple(
            f"{line.verb} {line.label} of {line.datatype_label}{words.times(line.calls)}"
            for line in lines
            if line.changes
        ),
        problems=_problems(offer, picks),
    )


def _check_known(offer: Offer, picks: Picks) -> None:
    """Every value of the form was on the screen, and free to take."""
    if picks.lines - {line.key for line in offer.lines}:
        raise InvalidRequest("The answer names a line that was not offered.")
    if picks.explicit - {one.key for one in offer.explicit}:
        raise InvalidRequest("The answer says yes to something that was not offered.")
    groups = {group.api: {choice.id for choice in group.choices if choice.available} for group in offer.resources}
    for api, chosen in picks.resources.items():
        if api not in groups or set(chosen) - groups[api] or len(set(chosen)) != len(chosen):
            raise InvalidRequest("The answer names something that was not offered.")
    if picks.days not in {choice.days for choice in offer.durations}:
        raise InvalidRequest("The answer names a length that was not offered.")


def _taken(offer: Offer, picks: Picks) -> tuple[OfferLine, ...]:
    return tuple(line for line in offer.lines if line.required or line.key in picks.lines)


def _problems(offer: Offer, picks: Picks) -> tuple[Problem, ...]:
    """In the order of the screen."""
    lines = _taken(offer, picks)
    if not lines and offer.lines:
        return (Problem("", "Pick at least one line."),)
    apis, taken = {line.api for line in lines}, {line.key for line in lines}
    unsaid = (
        Problem(one.key, f"Say yes to {one.datatype_label} explicitly.")
        for one in offer.explicit
        if taken & set(one.lines) and one.key not in picks.explicit
    )
    unpicked = (
        Problem(group.api, f"Pick at least one {group.one}.")
        for group in offer.resources
        if group.api in apis and not _chosen(group, picks)
    )
    return (*unsaid, *unpicked)


def _granted(catalog: Catalog, asked: Asked, offer: Offer, picks: Picks) -> Iterable[Item]:
    """The item with the fields of the lines taken and the things picked; nothing when no line of it was taken."""
    item = asked.item
    taken = {field.id for line in _taken(offer, picks) if _is_of(line, item) for field in line.fields}
    fields = tuple(field for field in item.fields if field in taken)
    if fields:
        resources = _picked(catalog, item, offer.resources, picks)
        explicit = form_key(item) in picks.explicit or UNSET
        yield msgspec.structs.replace(item, fields=fields, resources=resources, explicit=explicit)


def _is_of(line: OfferLine, item: Item) -> bool:
    return (line.api, line.datatype, line.action, line.purpose) == key_of(item)


def _picked(catalog: Catalog, item: Item, groups: tuple[ResourceGroup, ...], picks: Picks) -> tuple[str, ...]:
    if not catalog.needs_resources(item.api, item.datatype):
        return ()
    order = [
        choice.id
        for group in groups
        if group.api == item.api
        for choice in group.choices
        if choice.id in _chosen(group, picks)
    ]
    return tuple(one for one in order if not item.resources or one in item.resources)


def _chosen(group: ResourceGroup, picks: Picks) -> set[str]:
    """What is picked of a group, and what stays shared there."""
    return {*picks.resources.get(group.api, ()), *group.locked}


def _ends_at(offer: Offer, picks: Picks) -> int:
    return next(choice.ends_at for choice in offer.durations if choice.days == picks.days)
