"""The consent screen: the offer and some picks, as lines, groups, lengths and one summary (C1–C13)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grantline.consent import words
from grantline.consent.offer import (
    ExplicitChoice,
    Offer,
    OfferLine,
    Picks,
    ResourceChoice,
    ResourceGroup,
    Span,
    Summary,
)
from grantline.model.text import counted, listed, lowered
from grantline.ui.kit import Formats, When, length
from grantline.ui.portal.views.asking import ClientView, client_view
from grantline.ui.portal.views.words import plain

MOST_LINES = 7


@dataclass(frozen=True, slots=True)
class LineView:
    """`Read **merchant name** of transactions`, why, and what changes without it.

    `new`: what of it is not shared now.
    """

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
    explicit: bool
    tag: str
    new: str


@dataclass(frozen=True, slots=True)
class LinesView:
    """Lines of one heading: at most seven of the page are open, the rest behind one action (C12)."""

    heading: str
    open: tuple[LineView, ...]
    folded: tuple[LineView, ...]
    nothing_required: bool


@dataclass(frozen=True, slots=True)
class ExplicitView:
    """The yes to one special category of data: unticked, whatever was ticked above. `wrong`: as of a group."""

    id: str
    key: str
    words: tuple[Span, ...]
    ticked: bool
    wrong: str
    first: bool


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One thing that may be picked, or why not. `locked`: it stays shared."""

    id: str
    value: str
    label: str
    note: str
    available: bool
    picked: bool
    locked: bool


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
class ChangingView:
    """What a yes would change of what stands (C8). `said`: a sentence; the others are lists of them."""

    said: str
    since: When
    ends: When
    new: tuple[str, ...]
    stays: tuple[str, ...]
    goes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConsentView:
    """Everything the template prints."""

    heading: str
    client: ClientView
    about: tuple[str, ...]
    lines: tuple[LinesView, ...]
    explicit: tuple[ExplicitView, ...]
    explicit_note: str
    groups: tuple[GroupView, ...]
    lengths: tuple[LengthView, ...]
    lookbacks: tuple[LookbackView, ...]
    recap: tuple[Span, ...]
    problems: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    digest: str
    wrong: bool
    changing: ChangingView | None


def first_picks(offer: Offer) -> Picks:
    """What the page shows first: nothing optional, nothing picked, the length that was proposed (R2, C5).

    Where something is changed that stands, what is shared now is picked already (R7).
    """
    shared = {group.api: group.before for group in offer.resources if group.before}
    return Picks(lines=frozenset(), resources=shared, days=offer.default_days)


def consent_view(offer: Offer, picks: Picks, summary: Summary, formats: Formats, *, refused: bool) -> ConsentView:
    """`refused`: an approval was tried with these picks and something is still missing."""
    reads = tuple(line for line in offer.lines if not line.changes)
    changes = tuple(line for line in offer.lines if line.changes)
    missing = [problem.about for problem in summary.problems if problem.about] if refused else []
    special = {key for choice in offer.explicit for key in choice.lines}
    return ConsentView(
        heading=_heading(offer, bool(changes)),
        client=client_view(offer),
        about=offer.about,
        lines=_line_views(reads, changes, picks, special),
        explicit=tuple(_explicit(choice, picks, missing) for choice in offer.explicit),
        explicit_note=words.EXPLICIT_NOTE,
        groups=tuple(_group(group, picks, missing) for group in offer.resources),
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
                counted(back.days, "day", "days"),
            )
            for back in offer.lookbacks
        ),
        recap=_recap(offer, summary, formats),
        problems=tuple(problem.text for problem in summary.problems),
        facts=offer.facts,
        digest=offer.digest,
        wrong=bool(missing),
        changing=_changing(offer, formats),
    )


def _heading(offer: Offer, changes: bool) -> str:
    name = plain(offer.client.name)
    if not offer.lines:
        return f"{name} asks who you are"
    act = "use" if changes else "read"
    if offer.changing is None:
        return f"{name} asks to {act} your data at {listed(offer.apis)}"
    if offer.changing.replaces:
        return f"{name} asks to change what it may {act} at {listed(offer.apis)}"
    return f"{name} asks to {act} more of your data at {listed(offer.apis)}"


def _changing(offer: Offer, formats: Formats) -> ChangingView | None:
    changing = offer.changing
    if changing is None:
        return None
    more = "You share data with it already. What you agreed to stays, and this would be added."
    instead = "You share data with it already. This would take the place of all of it."
    learns = tuple(f"It learns {one}." for one in changing.about)
    return ChangingView(
        said=instead if changing.replaces else more,
        since=formats.day(changing.since),
        ends=formats.day(changing.ends_at),
        new=(*words.new_lines(offer), *learns),
        stays=changing.stays,
        goes=changing.goes,
    )


def _line_views(
    reads: tuple[OfferLine, ...], changes: tuple[OfferLine, ...], picks: Picks, special: Collection[str]
) -> tuple[LinesView, ...]:
    ranked = sorted((*reads, *changes), key=lambda line: not line.required)
    shown = {line.key for line in ranked[:MOST_LINES]}
    groups = (("What it may read", reads), ("What it may change", changes))
    return tuple(
        LinesView(
            heading,
            tuple(_line(line, picks, special) for line in lines if line.key in shown or line.required),
            tuple(_line(line, picks, special) for line in lines if line.key not in shown and not line.required),
            not any(line.required for line in (*reads, *changes)),
        )
        for heading, lines in groups
        if lines
    )


def _line(line: OfferLine, picks: Picks, special: Collection[str]) -> LineView:
    return LineView(
        id=f"line-{line.key}",
        key=line.key,
        verb=line.verb,
        label=line.label,
        of=f" of {line.datatype_label}{words.times(line.calls)}",
        because=line.purpose_label,
        without=_without(line),
        required=line.required,
        ticked=line.required or line.key in picks.lines,
        fields=tuple(field.label for field in line.fields),
        explicit=line.key in special,
        tag="Shared now" if line.stays else "Required" if line.required else "Optional",
        new=_new(line),
    )


def _new(line: OfferLine) -> str:
    """The mark of what is not shared now: the fields where it is but a part of the line."""
    if not line.new:
        return ""
    whole = len(line.new) == len(line.fields)
    return "New" if whole else f"New: {listed([field.label for field in line.new])}"


def _without(line: OfferLine) -> str:
    if line.stays:
        return " It stays as you agreed to it."
    if line.required:
        return " Without these it cannot work." if len(line.fields) > 1 else " Without this it cannot work."
    return f" Without it, {line.without}." if line.without else ""


def _explicit(choice: ExplicitChoice, picks: Picks, missing: Sequence[str]) -> ExplicitView:
    otherwise = "choose “Don’t allow”" if choice.required else "leave its lines above unticked"
    return ExplicitView(
        id=f"explicit-{choice.key}",
        key=choice.key,
        words=words.explicit_yes(choice),
        ticked=choice.key in picks.explicit,
        wrong=f"Tick this to share {choice.datatype_label}, or {otherwise}." if choice.key in missing else "",
        first=choice.key in missing[:1],
    )


def _group(group: ResourceGroup, picks: Picks, missing: Sequence[str]) -> GroupView:
    picked = picks.resources.get(group.api, ())
    return GroupView(
        name=f"resource:{group.api}",
        heading=group.heading,
        wrong=f"Pick at least one {group.one}, or choose “Don’t allow”." if group.api in missing else "",
        first=group.api in missing[:1],
        choices=tuple(
            ChoiceView(
                f"{group.api}-{number}",
                choice.id,
                choice.label,
                _note(group, choice),
                choice.available,
                choice.id in picked,
                choice.id in group.locked,
            )
            for number, choice in enumerate(group.choices)
        ),
    )


def _note(group: ResourceGroup, choice: ResourceChoice) -> str:
    if not choice.available:
        return f"Not available: {choice.reason}"
    now = "Stays shared." if choice.id in group.locked else "Shared now." if choice.id in group.before else ""
    return " ".join(part for part in (choice.note, now) if part)


def _recap(offer: Offer, summary: Summary, formats: Formats) -> tuple[Span, ...]:
    name = Span(plain(offer.client.name), strong=True)
    if not offer.lines:
        until = Span(formats.day(summary.until).text, strong=True)
        return name, Span(" may know "), Span(listed(offer.about), strong=True), Span(", until "), until, Span(".")
    if not summary.fields and not summary.changes:
        return Span("Nothing is picked yet. "), name, Span(" would get nothing.")
    parts = [name, Span(" may read "), Span(counted(summary.fields, "field", "fields"), strong=True)]
    if summary.resources:
        parts += [Span(" of "), Span(listed(summary.resources), strong=True)]
    parts += [Span(". It is for "), Span(listed(summary.purposes), strong=True)]
    parts += [Span(", until "), Span(formats.day(summary.until).text, strong=True), Span(". ")]
    if summary.changes:
        acts = [lowered(act) for act in summary.changes]
        parts += [Span("It may "), Span(listed(acts), strong=True), Span(".")]
    else:
        parts.append(Span("It may change nothing."))
    if offer.changing is not None and offer.changing.stays:
        parts.append(Span(" What you shared before stays as it was."))
    return tuple(parts)
