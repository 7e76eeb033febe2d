"""One connection: its line, granted and used, use in 90 days, receipts (P3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from grantline.consent import words
from grantline.consent.offer import Span
from grantline.ledger.reading import EventRow, Usage
from grantline.model.consent import Status
from grantline.model.events import EventType
from grantline.model.text import counted, listed
from grantline.ui.kit import Formats, When, count
from grantline.ui.kit.format import DAY_S
from grantline.ui.kit.pictures import Line, UseChart, line, own_scale, use_chart
from grantline.ui.portal.services import Connection
from grantline.ui.portal.use import WINDOW_DAYS, Use, window
from grantline.ui.portal.views.words import BY, RUNNING, STOPPED, StateWord, Who, held, may, state, who

ACTS = {EventType.CONSENT_GIVEN: "Given", EventType.CONSENT_AMENDED: "Changed", EventType.CONSENT_WITHDRAWN: "Stopped"}


@dataclass(frozen=True, slots=True)
class HeadView:
    """What stands beside the head. `last`: last used; None: see `last_word`."""

    href: str
    who: Who
    state: StateWord
    may: tuple[Span, ...]
    line: Line | None
    until_word: str
    until: When
    given: When
    looks_back_to: When | None
    limits: tuple[str, ...]
    given_by: str
    passed_on_to: tuple[tuple[str, str], ...]
    last: When | None
    last_word: str
    can_stop: bool
    was_stopped: bool
    stopped_by: str
    held: bool
    missing: str
    unserved: bool
    could: str


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day with use, for the table behind the picture."""

    day: When
    allowed: str
    refused: str


@dataclass(frozen=True, slots=True)
class UseView:
    """The picture of use with its table."""

    summary: str
    chart: UseChart
    has_acts: bool
    rows: tuple[DayRow, ...]


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One granted field: how often it was read. `share` of the most used one, in percent."""

    label: str
    of: str
    share: float
    calls: str
    last: When | None


@dataclass(frozen=True, slots=True)
class FieldsView:
    """Granted and used. `unused`: labels that were never used."""

    rows: tuple[FieldRow, ...]
    summary: str
    unused: tuple[str, ...]
    several_kinds: bool


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One version with its file."""

    words: str
    made: When
    href: str


def head_view(connection: Connection, usage: Usage | None, known: bool, formats: Formats) -> HeadView:
    """`known`: whether the ledger answered; `usage` None then means never used."""
    from grantline.ui.portal.views.connections import NEVER_GIVEN, until_word

    given = connection.status not in NEVER_GIVEN
    last = usage.last_used if usage else None
    end = connection.until if connection.ended_at is None else max(connection.ended_at, connection.given_at)
    return HeadView(
        href=f"/connections/{connection.consent}",
        who=who(connection.client),
        state=state(connection, formats.now),
        may=may(connection, lower=True),
        line=line(
            own_scale(connection.given_at, max(end, connection.given_at + 1)),
            given=connection.given_at,
            until=connection.until,
            now=formats.now,
            ended=connection.ended_at,
            halted=connection.status in STOPPED,
            paused=connection.status is Status.SUSPENDED or held(connection),
        )
        if given
        else None,
        until_word=until_word(connection),
        until=formats.day(connection.ended_at or connection.until),
        given=formats.day(connection.given_at),
        looks_back_to=None if connection.lookback_since is None else formats.day(connection.lookback_since),
        limits=tuple(
            dict.fromkeys(
                f"{line.verb} {line.datatype_label}{words.times(line.calls)}" for line in connection.lines if line.calls
            )
        ),
        given_by=connection.given_by or "you",
        passed_on_to=tuple((f"/connections/{consent}", name) for consent, name in connection.passed_on_to),
        last=None if last is None else formats.moment(last),
        last_word="Never" if known else "Not known",
        can_stop=connection.status in RUNNING,
        was_stopped=connection.status in STOPPED,
        stopped_by=BY.get(connection.status, "We"),
        held=connection.held and connection.status in RUNNING,
        missing=listed(connection.missing) if connection.status in RUNNING else "",
        unserved=connection.unserved,
        could="May" if connection.status in RUNNING else "Could",
    )


def use_view(use: Use, life: Sequence[EventRow], formats: Formats) -> UseView:
    """The last 90 days, today included."""
    wanted = window(formats)
    allowed, refused = [use.allowed[day] for day in wanted], [use.refused[day] for day in wanted]
    place = {day: number for number, day in enumerate(wanted)}
    acts = [
        (place[day], f"{ACTS[EventType(row.type)]}\u00a0{formats.short_day(row.t / 1_000_000)}")
        for row in life
        if row.type in ACTS and (day := formats.date_key(row.t)) in place
    ]
    summary = f"{count(sum(allowed))} allowed, {count(sum(refused))} refused"
    start, middle = (formats.now - days_ago * DAY_S for days_ago in (WINDOW_DAYS - 1, WINDOW_DAYS // 2))
    busiest = f" At most {counted(max(allowed), 'call', 'calls')} in a day." if any(allowed) else ""
    chart = use_chart(
        allowed,
        refused,
        acts=acts,
        labels=(formats.short_day(start), formats.short_day(middle), "Today"),
        finding=f"Calls in the last 90 days: {summary}.{busiest}",
    )
    rows = tuple(
        DayRow(_day_of(day, formats), count(use.allowed[day]), count(use.refused[day]))
        for day in reversed(wanted)
        if use.allowed[day] or use.refused[day]
    )
    return UseView(summary, chart, bool(acts), rows)


def fields_view(connection: Connection, use: Use, formats: Formats) -> FieldsView:
    """Every granted field once, with the allowed calls of the last 90 days that carried it."""
    granted = {
        (line.datatype, field.id): (line.datatype_label, field.label)
        for line in connection.lines
        for field in line.fields
    }
    used = {field: use.fields.get(field, (0, 0)) for field in granted}
    most = max((calls for calls, _ in used.values()), default=0)
    rows = tuple(
        FieldRow(
            label=f"{label[:1].upper()}{label[1:]}",
            of=kind,
            share=round(100 * used[field][0] / most, 1) if most else 0,
            calls=count(used[field][0]),
            last=formats.day_or_today(used[field][1] / 1_000_000) if used[field][0] else None,
        )
        for field, (kind, label) in granted.items()
    )
    hit = sum(row.last is not None for row in rows)
    return FieldsView(
        rows,
        f"{hit} of {counted(len(rows), 'field', 'fields')} used",
        tuple(row.label for row in rows if row.last is None),
        len({kind for kind, _ in granted.values()}) > 1,
    )


def receipt_rows(connection: Connection, formats: Formats) -> tuple[ReceiptRow, ...]:
    """Newest first."""
    return tuple(
        ReceiptRow(
            f"Version {row.version}, {row.what}",
            formats.day(row.made_at),
            f"/connections/{connection.consent}/receipt/{row.version}",
        )
        for row in reversed(connection.versions)
    )


def _day_of(day: str, formats: Formats) -> When:
    return formats.day(datetime.fromisoformat(day).replace(hour=12, tzinfo=formats.zone).timestamp())
