"""The consent screen: the offer and some picks, as lines, groups, lengths and one summary (C1–C13)."""

from dataclasses import dataclass

from grantline.consent.offer import Offer, OfferLine, Picks, ResourceGroup, Summary
from grantline.ui.kit import Formats, When, length, plural, series
from grantline.ui.portal.views.asking import ClientView, client_view
from grantline.ui.portal.views.words import Span, plain

MOST_LINES = 7


@dataclass(frozen=True, slots=True)
class LineView:
    """`Read **merchant name** of transactions`, why, and what changes without it."""

    id: str
    key: str
    verb: str
    label: str
    of: str
    because: str
    without: str
    required: bool
    ticked: bool
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinesView:
    """Lines of one heading: at most seven of the page are open, the rest behind one action (C12)."""

    heading: str
    open: tuple[LineView, ...]
    folded: tuple[LineView, ...]
    nothing_required: bool


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One thing that may be picked, or why not."""

    id: str
    value: str
    label: str
    note: str
    available: bool
    picked: bool


@dataclass(frozen=True, slots=True)
class GroupView:
    """The things of one API. `wrong`: what is missing, empty when nothing is."""

    name: str
    heading: str
    wrong: str
    first: bool
    choices: tuple[ChoiceView, ...]


@dataclass(frozen=True, slots=True)
class LengthView:
    """A length with its end."""

    id: str
    days: int
    label: str
    ends: When
    picked: bool


@dataclass(frozen=True, slots=True)
class LookbackView:
    """`It may look back to 18 May 2026 (180 days), no further.` `of` is said when there are several."""

    of: str
    since: When
    length: str


@dataclass(frozen=True, slots=True)
class ConsentView:
    """Everything the template prints."""

    heading: str
    client: ClientView
    lines: tuple[LinesView, ...]
    groups: tuple[GroupView, ...]
    lengths: tuple[LengthView, ...]
    lookbacks: tuple[LookbackView, ...]
    recap: tuple[Span, ...]
    problems: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    digest: str
    wrong: bool


def first_picks(offer: Offer) -> Picks:
    """What the page shows first: nothing optional, nothing picked, the length that was proposed (R2, C5)."""
    return Picks(lines=frozenset(), resources={}, days=offer.default_days)


def consent_view(offer: Offer, picks: Picks, summary: Summary, formats: Formats, *, refused: bool) -> ConsentView:
    """`refused`: an approval was tried with these picks and something is still missing."""
    reads = tuple(line for line in offer.lines if not line.changes)
    changes = tuple(line for line in offer.lines if line.changes)
    missing = {group.api: refused and _lacks(group, offer, picks) for group in offer.resources}
    first = next((api for api, lacks in missing.items() if lacks), None)
    return ConsentView(
        heading=_heading(offer, bool(changes)),
        client=client_view(offer),
        lines=_line_views(reads, changes, picks),
        groups=tuple(_group(group, picks, missing[group.api], group.api == first) for group in offer.resources),
        lengths=tuple(
            LengthView(
                f"days-{choice.days}",
                choice.days,
                length(choice.days),
                formats.day(choice.ends_at),
                choice.days == picks.days,
            )
            for choice in offer.durations
        ),
        lookbacks=tuple(
            LookbackView(
                back.datatype_label if len(offer.lookbacks) > 1 else "",
                formats.day(back.since),
                plural(back.days, "day", "days"),
            )
            for back in offer.lookbacks
        ),
        recap=_recap(offer, summary, formats),
        problems=summary.problems,
        facts=offer.facts,
        digest=offer.digest,
        wrong=any(missing.values()),
    )


def _heading(offer: Offer, changes: bool) -> str:
    act = "use" if changes else "read"
    return f"{plain(offer.client.name)} asks to {act} your data at {series(offer.apis)}"


def _line_views(reads: tuple[OfferLine, ...], changes: tuple[OfferLine, ...], picks: Picks) -> tuple[LinesView, ...]:
    ranked = sorted((*reads, *changes), key=lambda line: not line.required)
    shown = {line.key for line in ranked[:MOST_LINES]}
    groups = (("What it may read", reads), ("What it may change", changes))
    return tuple(
        LinesView(
            heading,
            tuple(_line(line, picks) for line in lines if line.key in shown or line.required),
            tuple(_line(line, picks) for line in lines if line.key not in shown and not line.required),
            not any(line.required for line in (*reads, *changes)),
        )
        for heading, lines in groups
        if lines
    )


def _line(line: OfferLine, picks: Picks) -> LineView:
    return LineView(
        id=f"line-{line.key}",
        key=line.key,
        verb=line.verb,
        label=line.label,
        of=f" of {line.datatype_label}",
        because=line.purpose_label,
        without=_without(line),
        required=line.required,
        ticked=line.required or line.key in picks.lines,
        fields=tuple(field.label for field in line.fields),
    )


def _without(line: OfferLine) -> str:
    if line.required:
        return " Without these it cannot work." if len(line.fields) > 1 else " Without this it cannot work."
    return f" Without it, {line.without}." if line.without else ""


def _lacks(group: ResourceGroup, offer: Offer, picks: Picks) -> bool:
    """Whether some line that would be granted reaches into this group, and nothing of it is picked."""
    return not picks.resources.get(group.api) and any(
        line.api == group.api and (line.required or line.key in picks.lines) for line in offer.lines
    )


def _group(group: ResourceGroup, picks: Picks, lacks: bool, first: bool) -> GroupView:
    picked = picks.resources.get(group.api, ())
    return GroupView(
        name=f"resource:{group.api}",
        heading=group.heading,
        wrong=f"Pick at least one {group.one}, or choose “Don’t allow”." if lacks else "",
        first=first,
        choices=tuple(
            ChoiceView(
                f"{group.api}-{number}",
                choice.id,
                choice.label,
                (choice.note or "") if choice.available else f"Not available: {choice.reason}",
                choice.available,
                choice.id in picked,
            )
            for number, choice in enumerate(group.choices)
        ),
    )


def _recap(offer: Offer, summary: Summary, formats: Formats) -> tuple[Span, ...]:
    name = Span(plain(offer.client.name), strong=True)
    if not summary.fields and not summary.changes:
        return Span("Nothing is picked yet. "), name, Span(" would get nothing.")
    parts = [name, Span(" may read "), Span(plural(summary.fields, "field", "fields"), strong=True)]
    if summary.resources:
        parts += [Span(" of "), Span(series(summary.resources), strong=True)]
    parts += [Span(". It is for "), Span(series(summary.purposes), strong=True)]
    parts += [Span(", until "), Span(formats.day(summary.until).text, strong=True), Span(". ")]
    if summary.changes:
        acts = [f"{act[:1].lower()}{act[1:]}" for act in summary.changes]
        parts += [Span("It may "), Span(series(acts), strong=True), Span(".")]
    else:
        parts.append(Span("It may change nothing."))
    return tuple(parts)
