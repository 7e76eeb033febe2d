"""Puts the question: what is asked for, in lines a person can take or leave."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from grantline.catalog import Asked, Catalog
from grantline.consent import words
from grantline.consent.changing import Change, Manner, going, locked, shared
from grantline.consent.lines import explicit_choices, offer_lines
from grantline.consent.narrowing import effective
from grantline.consent.offer import (
    Changing,
    ClientProfile,
    DurationChoice,
    Lookback,
    Offer,
    ResourceChoice,
    ResourceGroup,
)
from grantline.crypto import jcs
from grantline.model.ids import ApiId, PurposeId
from grantline.model.text import listed

MOST_DURATIONS = 4
DAY = 86_400
SIGN_IN_RETENTION = "As its publisher says; this is about who you are, not about data of an API."
HOW_TO_STOP = "Any time under Connections, in two steps. It ends at once."


def make_offer(
    *,
    catalog: Catalog,
    client: ClientProfile,
    asked: tuple[Asked, ...],
    resources: Mapping[ApiId, tuple[ResourceChoice, ...]],
    now: int,
    wanted_days: int | None = None,
    about: tuple[str, ...] = (),
    change: Change | None = None,
    known: tuple[str, ...] = (),
) -> Offer:
    """The whole question. `asked` may be as requested: what is beyond the client's ceiling is left out here.

    `resources`: what each API of `apis_to_ask` says the person may share. `now`: unix seconds.
    `wanted_days`: the length that the client asks for. `about`: what it learns of the person. `change`: what stands and
    would be changed, whose `asked` is then the question; `known`: what the client knows of the person already. Raises
    `InvalidScope` when nothing is left to ask.
    """
    wanted_days = _standing_days(change, now) if wanted_days is None else wanted_days
    asking = _Asking(catalog, client, asked, wanted_days, about)
    if change is None and not any(resources.values()) and not any(one.item.resources for one in asked):
        return _put_to_all(asking, now)
    return _dated(_timeless(asking, resources, change, known), now)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What a question is made from that is not one person's."""

    catalog: Catalog
    client: ClientProfile
    asked: tuple[Asked, ...]
    wanted_days: int | None
    about: tuple[str, ...]


@lru_cache(maxsize=64)
def _put_to_all(asking: _Asking, now: int) -> Offer:
    """The very same offer for all who are asked the same within the second: what is made of it can be kept by it."""
    return _dated(_same_for_all(asking), now)


@lru_cache(maxsize=256)
def _same_for_all(asking: _Asking) -> Offer:
    """The question where nothing in it is one person's, so that the next one is asked the same."""
    return _timeless(asking, {}, None, ())


def _timeless(
    asking: _Asking,
    resources: Mapping[ApiId, tuple[ResourceChoice, ...]],
    change: Change | None,
    known: tuple[str, ...],
) -> Offer:
    """The question without the moments that follow from when it is put. The same question has the same digest."""
    catalog, client, about = asking.catalog, asking.client, asking.about
    open_to_client = effective(catalog, asking.asked, client.ceiling)
    whole = (*open_to_client, *(Asked(item=item) for item in (() if change is None else change.kept)))
    durations = _durations(catalog, whole)
    lines = offer_lines(catalog, open_to_client, change)
    offer = Offer(
        client=client.card,
        operator=catalog.file.operator.name,
        apis=tuple(dict.fromkeys(catalog.api(one.item.api).label for one in open_to_client)),
        lines=lines,
        resources=_resources(catalog, open_to_client, resources, change),
        durations=durations,
        default_days=_default(durations, asking.wanted_days),
        lookbacks=_lookbacks(catalog, open_to_client),
        facts=_facts(catalog, client, whole),
        digest="",
        explicit=explicit_choices(catalog, open_to_client, lines),
        about=about,
        changing=None if change is None else _changing(catalog, change, about, known),
    )
    return dataclasses.replace(offer, digest=jcs.digest(offer))


def _dated(offer: Offer, now: int) -> Offer:
    """The question as it is put at `now`."""
    return dataclasses.replace(
        offer,
        durations=tuple(DurationChoice(one.days, now + one.days * DAY) for one in offer.durations),
        lookbacks=tuple(Lookback(one.datatype_label, one.days, now - one.days * DAY) for one in offer.lookbacks),
    )


def apis_to_ask(catalog: Catalog, asked: Iterable[Asked]) -> tuple[ApiId, ...]:
    """The APIs whose list of things the person has to pick from."""
    needing = (one.item.api for one in asked if catalog.needs_resources(one.item.api, one.item.datatype))
    return tuple(dict.fromkeys(needing))


def _durations(catalog: Catalog, asked: tuple[Asked, ...]) -> tuple[DurationChoice, ...]:
    """The shortest few that every purpose allows, shortest first."""
    limits = [catalog.purpose_entry(one.item.purpose).max_days for one in asked]
    fitting = [days for days in catalog.file.durations_days if not limits or days <= min(limits)][:MOST_DURATIONS]
    return tuple(DurationChoice(days, 0) for days in fitting)


def _default(durations: tuple[DurationChoice, ...], wanted_days: int | None) -> int:
    """The shortest that gives what the client asks for; the longest on offer when none does."""
    return next((one.days for one in durations if one.days >= (wanted_days or 0)), durations[-1].days)


def _standing_days(change: Change | None, now: int) -> int | None:
    """For an addition: as long as what stands, so that nothing gets shorter unless the person says so."""
    if change is None or change.manner is Manner.REPLACE:
        return None
    return -(-(change.before.expires_at - now) // DAY)


def _changing(catalog: Catalog, change: Change, about: tuple[str, ...], known: tuple[str, ...]) -> Changing:
    before, replaces = change.before, change.manner is Manner.REPLACE
    gone = (f"It learns {one}." for one in known if replaces and one not in about)
    return Changing(
        replaces=replaces,
        version=before.version,
        since=before.not_before,
        ends_at=before.expires_at,
        about=tuple(one for one in about if one not in known),
        stays=tuple(words.reach_text(catalog, item, before.not_before) for item in change.kept),
        goes=(*(words.item_text(catalog, item) for item in going(change)), *gone),
    )


def _resources(
    catalog: Catalog,
    asked: tuple[Asked, ...],
    known: Mapping[ApiId, tuple[ResourceChoice, ...]],
    change: Change | None,
) -> tuple[ResourceGroup, ...]:
    groups = []
    for api in apis_to_ask(catalog, asked):
        list_of = catalog.api(api).resource_list
        if list_of is not None:
            wanted = _named(api, asked)
            choices = tuple(one for one in known.get(api, ()) if wanted is None or one.id in wanted)
            open_now = {one.id for one in choices if one.available}
            before, kept = ((), ()) if change is None else (shared(change, api), locked(change, api))
            groups.append(
                ResourceGroup(
                    api, list_of.heading, list_of.one, list_of.many, choices,
                    before=tuple(one for one in before if one in open_now),
                    locked=tuple(one for one in kept if one in open_now),
                )
            )  # fmt: skip
    return tuple(groups)


def _named(api: ApiId, asked: tuple[Asked, ...]) -> set[str] | None:
    """The things that the client itself named; None when it left some open."""
    lists = [one.item.resources for one in asked if one.item.api == api]
    return {resource for several in lists for resource in several} if all(lists) else None


def _lookbacks(catalog: Catalog, asked: tuple[Asked, ...]) -> tuple[Lookback, ...]:
    return tuple(
        Lookback(words.data(catalog, item.api, item.datatype), item.lookback_days, 0)
        for item in (one.item for one in asked)
        if item.lookback_days is not None
    )


def _facts(catalog: Catalog, client: ClientProfile, asked: tuple[Asked, ...]) -> tuple[tuple[str, str], ...]:
    """What has to be known before the buttons (C9): storage, sharing, rights, complaint, retention, the way out."""
    operator = catalog.file.operator
    purposes = tuple(dict.fromkeys(one.item.purpose for one in asked))
    return (
        ("Who gets it", f"{client.card.publisher}, and nobody else under this consent."),
        ("How long it is kept", retention(catalog, purposes)),
        ("Where it is stored", f"{listed(operator.storage_locations)}, as declared."),
        ("Your rights", operator.rights),
        ("Where to complain", f"{operator.contact}, or the {operator.authority}."),
        ("How to stop", HOW_TO_STOP),
    )


def retention(catalog: Catalog, purposes: tuple[PurposeId, ...]) -> str:
    """How long data is kept: one sentence when it is the same for all purposes, else one for each."""
    kept = {purpose: catalog.purpose_entry(purpose).retention for purpose in purposes}
    if not kept:
        return SIGN_IN_RETENTION
    if len(set(kept.values())) == 1:
        return next(iter(kept.values()))
    return " ".join(f"For {words.purpose(catalog, purpose)}: {text}" for purpose, text in kept.items())
