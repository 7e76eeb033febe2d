"""The one source of text about what is agreed: screen, receipt, portal and policy export all speak from here.

Every noun comes from the catalog. Something a catalog no longer has is called by its id, as the record keeps it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from grantline.catalog import Catalog
from grantline.consent.offer import ExplicitChoice, FieldWords, Offer, OfferLine, Span
from grantline.model.consent import Item
from grantline.model.ids import ApiId, PurposeId
from grantline.model.text import counted, listed, lowered


def day(unix: int) -> str:
    """`14 Nov 2026` (UTC), its spaces unbreakable."""
    at = datetime.fromtimestamp(unix, UTC)
    return f"{at.day}\N{NO-BREAK SPACE}{at:%b}\N{NO-BREAK SPACE}{at.year}"


def verb(catalog: Catalog, action: str) -> str:
    """How a line about this act begins."""
    entry = catalog.file.actions.get(action)
    return entry.verb if entry else action


def changes(catalog: Catalog, action: str) -> bool:
    """True if the act changes something; an unknown one is taken to."""
    entry = catalog.file.actions.get(action)
    return entry.changes if entry else True


def purpose(catalog: Catalog, purpose: PurposeId) -> str:
    """What completes "Because: …"."""
    entry = catalog.file.purposes.get(purpose)
    return entry.label if entry else purpose


def data(catalog: Catalog, api: ApiId, datatype: str) -> str:
    """The kind of data."""
    entry = catalog.file.apis.get(api)
    found = entry.data.get(datatype) if entry else None
    return found.label if found else datatype


def special(catalog: Catalog, api: ApiId, datatype: str) -> bool:
    """True for a special category of data. What the catalog no longer has cannot be told apart, nor asked for."""
    entry = catalog.file.apis.get(api)
    found = entry.data.get(datatype) if entry else None
    return found is not None and found.special


def field(catalog: Catalog, api: ApiId, datatype: str, field: str) -> FieldWords:
    """One field."""
    entry = catalog.file.apis.get(api)
    found = entry.data.get(datatype) if entry else None
    known = found.fields.get(field) if found else None
    return FieldWords(field, known.label if known else field)


def fields(catalog: Catalog, item: Item) -> tuple[FieldWords, ...]:
    """The fields of an item, in its order."""
    return tuple(field(catalog, item.api, item.datatype, one) for one in item.fields)


def sentence(verb: str, what: str, datatype: str, because: str) -> str:
    """The form of every line, on every surface."""
    return f"{verb} {what} of {datatype}. Because: {because}."


def times(calls: int | None) -> str:
    """What a limit adds to the data of a line; nothing where there is none."""
    match calls:
        case None:
            return ""
        case 1:
            return ", once"
        case _:
            return f", at most {calls:,} times"


def line_text(line: OfferLine) -> str:
    """A line of the screen."""
    return sentence(line.verb, line.label, line.datatype_label + times(line.calls), line.purpose_label)


def item_text(catalog: Catalog, item: Item) -> str:
    """The line of an agreed item, in the same form as on the screen."""
    what = listed([one.label for one in fields(catalog, item)])
    verbs = listed([verb(catalog, action) for action in item.actions])
    whose = data(catalog, item.api, item.datatype) + times(item.calls or None)
    return sentence(verbs, what, whose, purpose(catalog, item.purpose))


def agreed_lines(catalog: Catalog, items: Iterable[Item], *, agreed_at: int, expires_at: int) -> tuple[str, ...]:
    """All that was agreed, line by line: receipt, policy export and the notice of a narrower version.

    Times in unix seconds. What an item reaches is said where it is limited: how many things, how far back.
    """
    lines = [reach_text(catalog, item, agreed_at) for item in items]
    return (*lines, f"Until {day(expires_at)}.")


def reach_text(catalog: Catalog, item: Item, at: int) -> str:
    """The line of an agreed item and what limits it; `at`: unix seconds, when it was agreed."""
    return item_text(catalog, item) + _limits(catalog, item, at)


def _limits(catalog: Catalog, item: Item, at: int) -> str:
    limits = ""
    if item.resources:
        limits += f" For {things(catalog, item.api, len(item.resources))}."
    if item.lookback_days is not None:
        limits += f" Back to {day(at - item.lookback_days * 86_400)}."
    if item.explicit:
        limits += " Agreed to explicitly."
    return limits


def things(catalog: Catalog, api: ApiId, count: int) -> str:
    """`1 account`: the things of an API that a person shares."""
    entry = catalog.file.apis.get(api)
    listed_by = entry.resource_list if entry else None
    return counted(count, listed_by.one, listed_by.many) if listed_by else counted(count, "thing", "things")


def counted_fields(items: Iterable[Item]) -> str:
    """`5 fields`, each counted once."""
    return counted(field_count(items), "field", "fields")


def field_count(items: Iterable[Item]) -> int:
    """How many different fields."""
    return len({(item.api, item.datatype, field) for item in items for field in item.fields})


def notice_lines(offer: Offer) -> tuple[str, ...]:
    """The text that is put before the person, line by line; its hash is in the record, itself in the ledger's event.

    Names of accounts are left out: they are the person's own and are not kept.
    """
    card = offer.client
    lines = [f"{card.name} ({card.tier}, {card.host}) asks {offer.operator}.", f"It goes back to {card.redirect_host}."]
    lines += [f"It learns {one}." for one in offer.about]
    lines += [f"{line_text(line)} {mark(line)}" for line in offer.lines]
    lines += changing_lines(offer)
    lines += [f"{explicit_text(one)} {EXPLICIT_NOTE}" for one in offer.explicit]
    lines += [group.heading for group in offer.resources]
    lines += [f"{choice.days} days, ends {day(choice.ends_at)}." for choice in offer.durations]
    lines += [lookback_text(one.datatype_label, one.days, one.since) for one in offer.lookbacks]
    lines += [f"{label}: {text}" for label, text in offer.facts]
    return tuple(lines)


def changing_lines(offer: Offer) -> tuple[str, ...]:
    """What a yes would change of what stands; nothing where nothing stands."""
    changing = offer.changing
    if changing is None:
        return ()
    return (
        f"This changes what was agreed on {day(changing.since)}, until {day(changing.ends_at)}.",
        *(f"New: {one}" for one in (*new_lines(offer), *(f"it learns {one}." for one in changing.about))),
        *(f"Stays: {one}" for one in changing.stays),
        *(f"Goes: {one}" for one in changing.goes),
    )


def new_lines(offer: Offer) -> tuple[str, ...]:
    """What of the lines is not shared now, in the form of every line."""
    return tuple(
        sentence(line.verb, listed([one.label for one in line.new]), line.datatype_label, line.purpose_label)
        for line in offer.lines
        if line.new
    )


EXPLICIT_NOTE = "The law protects this data more than other data. It needs a yes of its own."


def explicit_yes(choice: ExplicitChoice) -> tuple[Span, ...]:
    """The yes that a special category of data needs, as the box says it that is ticked."""
    said = Span(f"{lowered(choice.verb)} {choice.datatype_label}", strong=True)
    return Span("Yes, explicitly: it may "), said, Span(f", because: {choice.purpose_label}.")


def explicit_text(choice: ExplicitChoice) -> str:
    """The same as plain text."""
    return "".join(span.text for span in explicit_yes(choice))


def mark(line: OfferLine) -> str:
    """Why a line is locked, or what its absence means: neutral, without loss talk."""
    if line.stays:
        return "Stays: it is shared now."
    if line.required:
        return "Required: without it, it cannot work."
    return f"Optional: without it, {line.without}." if line.without else "Optional."


def lookback_text(datatype: str, days: int, since: int) -> str:
    """How old data may be."""
    return f"For {datatype}, back to {day(since)} ({days} days), no further."
