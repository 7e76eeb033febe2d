"""Puts the question: what is asked for, in lines a person can take or leave."""

import dataclasses
from collections.abc import Iterable, Mapping

from grantline.catalog import Asked, Catalog
from grantline.consent import words
from grantline.consent.lines import explicit_choices, offer_lines
from grantline.consent.narrowing import effective
from grantline.consent.offer import ClientProfile, DurationChoice, Lookback, Offer, ResourceChoice, ResourceGroup
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
) -> Offer:
    """The whole question. `asked` may be as requested: what is beyond the client's ceiling is left out here.

    `resources`: what each API of `apis_to_ask` says the person may share. `now`: unix seconds.
    `wanted_days`: the length that the client asks for. `about`: what it learns of the person. Raises `InvalidScope`
    when nothing is left to ask.
    """
    open_to_client = effective(catalog, asked, client.ceiling)
    durations = _durations(catalog, open_to_client, now)
    lines = offer_lines(catalog, open_to_client)
    offer = Offer(
        client=client.card,
        operator=catalog.file.operator.name,
        apis=tuple(dict.fromkeys(catalog.api(one.item.api).label for one in open_to_client)),
        lines=lines,
        resources=_resources(catalog, open_to_client, resources),
        durations=durations,
        default_days=_default(durations, wanted_days),
        lookbacks=_lookbacks(catalog, open_to_client, now),
        facts=_facts(catalog, client, open_to_client),
        digest="",
        explicit=explicit_choices(catalog, open_to_client, lines),
        about=about,
    )
    return dataclasses.replace(offer, digest=_digest(offer))


def apis_to_ask(catalog: Catalog, asked: Iterable[Asked]) -> tuple[ApiId, ...]:
    """The APIs whose list of things the person has to pick from."""
    needing = (one.item.api for one in asked if catalog.needs_resources(one.item.api, one.item.datatype))
    return tuple(dict.fromkeys(needing))


def _durations(catalog: Catalog, asked: tuple[Asked, ...], now: int) -> tuple[DurationChoice, ...]:
    """The shortest few that every purpose allows, shortest first."""
    limits = [catalog.purpose_entry(one.item.purpose).max_days for one in asked]
    fitting = [days for days in catalog.file.durations_days if not limits or days <= min(limits)][:MOST_DURATIONS]
    return tuple(DurationChoice(days, now + days * DAY) for days in fitting)


def _default(durations: tuple[DurationChoice, ...], wanted_days: int | None) -> int:
    """The shortest that gives what the client asks for; the longest on offer when none does."""
    return next((one.days for one in durations if one.days >= (wanted_days or 0)), durations[-1].days)


def _resources(
    catalog: Catalog, asked: tuple[Asked, ...], known: Mapping[ApiId, tuple[ResourceChoice, ...]]
) -> tuple[ResourceGroup, ...]:
    groups = []
    for api in apis_to_ask(catalog, asked):
        list_of = catalog.api(api).resource_list
        if list_of is not None:
            wanted = _named(api, asked)
            choices = tuple(one for one in known.get(api, ()) if wanted is None or one.id in wanted)
            groups.append(ResourceGroup(api, list_of.heading, list_of.one, list_of.many, choices))
    return tuple(groups)


def _named(api: ApiId, asked: tuple[Asked, ...]) -> set[str] | None:
    """The things that the client itself named; None when it left some open."""
    lists = [one.item.resources for one in asked if one.item.api == api]
    return {resource for several in lists for resource in several} if all(lists) else None


def _lookbacks(catalog: Catalog, asked: tuple[Asked, ...], now: int) -> tuple[Lookback, ...]:
    return tuple(
        Lookback(words.data(catalog, item.api, item.datatype), item.lookback_days, now - item.lookback_days * DAY)
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


def _digest(offer: Offer) -> str:
    """Over everything but the moments that follow from when it is shown: the same question has the same digest."""
    timeless = dataclasses.replace(
        offer,
        durations=tuple(dataclasses.replace(one, ends_at=0) for one in offer.durations),
        lookbacks=tuple(dataclasses.replace(one, since=0) for one in offer.lookbacks),
    )
    return jcs.digest(timeless)
