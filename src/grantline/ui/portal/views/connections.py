"""The list of connections: who, what, why, until, last used, status; lines on one scale (P2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from grantline.consent.offer import Span
from grantline.ledger.reading import Usage
from grantline.model.consent import Status
from grantline.model.ids import ConsentId
from grantline.model.text import counted
from grantline.ui.kit import Formats, When
from grantline.ui.kit.pictures import Line, Scale, line, shared_scale
from grantline.ui.portal.services import Connection
from grantline.ui.portal.views.words import RUNNING, STOPPED, StateWord, Who, held, may, state, who

NEVER_GIVEN = frozenset({Status.REFUSED, Status.LAPSED, Status.REQUESTED, Status.AWAITING_APPROVAL})


@dataclass(frozen=True, slots=True)
class RowView:
    """One connection of the list. `used`: None when the ledger could not be asked."""

    href: str
    who: Who
    may: tuple[Span, ...]
    line: Line | None
    until_word: str
    until: When
    used: When | None
    used_word: str
    state: StateWord


@dataclass(frozen=True, slots=True)
class FilterView:
    """A link that shows some of them; one that would show none is left out."""

    href: str
    words: str
    current: bool


@dataclass(frozen=True, slots=True)
class ListView:
    """The page. `known`: whether the ledger answered."""

    rows: tuple[RowView, ...]
    filters: tuple[FilterView, ...]
    known: bool
    any: bool


def list_view(
    connections: Sequence[Connection], usage: Mapping[ConsentId, Usage] | None, show: str, formats: Formats
) -> ListView:
    """`show`: the filter asked for; an unknown one shows all."""
    groups = _groups(connections)
    chosen = groups.get(show, tuple(connections))
    given = [connection for connection in chosen if connection.status not in NEVER_GIVEN]
    times = [time for connection in given for time in (connection.given_at, connection.ended_at or connection.until)]
    scale = shared_scale(times, formats.now)
    return ListView(
        rows=tuple(
            RowView(
                href=f"/connections/{connection.consent}",
                who=who(connection.client),
                may=may(connection),
                line=_line(connection, scale, formats) if connection in given else None,
                until_word=until_word(connection),
                until=formats.day(connection.ended_at or connection.until),
                used=_used(connection, usage, formats),
                used_word="Never" if usage is not None else "Not known",
                state=state(connection, formats.now),
            )
            for connection in chosen
        ),
        filters=_filters(connections, groups, show),
        known=usage is not None,
        any=bool(connections),
    )


def until_word(connection: Connection) -> str:
    """The word before its end."""
    if connection.ended_at is None:
        return "Until"
    if connection.status in NEVER_GIVEN:
        return "Answered"
    return "Stopped" if connection.status in STOPPED else "Ended"


def _line(connection: Connection, scale: Scale, formats: Formats) -> Line:
    return line(
        scale,
        given=connection.given_at,
        until=connection.until,
        now=formats.now,
        ended=connection.ended_at,
        halted=connection.status in STOPPED,
        paused=connection.status is Status.SUSPENDED or held(connection),
    )


def _used(connection: Connection, usage: Mapping[ConsentId, Usage] | None, formats: Formats) -> When | None:
    use = (usage or {}).get(connection.consent)
    return formats.moment(use.last_used) if use and use.last_used is not None else None


def _groups(connections: Sequence[Connection]) -> dict[str, tuple[Connection, ...]]:
    """What may be shown alone, by the name it has in the address."""
    groups = {
        "active": tuple(each for each in connections if each.status is Status.ACTIVE and not held(each)),
        "paused": tuple(each for each in connections if each.status is Status.SUSPENDED or held(each)),
        "ended": tuple(each for each in connections if each.status not in RUNNING | NEVER_GIVEN),
        "refused": tuple(each for each in connections if each.status in NEVER_GIVEN),
    }
    for kind in dict.fromkeys(who(each.client).kind for each in connections):
        groups[f"kind:{kind}"] = tuple(each for each in connections if who(each.client).kind == kind)
    for label in dict.fromkeys(item.datatype_label for each in connections for item in each.lines):
        groups[f"data:{label}"] = tuple(
            each for each in connections if any(item.datatype_label == label for item in each.lines)
        )
    return {name: members for name, members in groups.items() if members}


WORDS = {"active": "Active", "paused": "Paused", "ended": "Ended", "refused": "Not allowed"}


def _filters(
    connections: Sequence[Connection], groups: Mapping[str, tuple[Connection, ...]], show: str
) -> tuple[FilterView, ...]:
    useful = {name: members for name, members in groups.items() if name in WORDS or len(members) < len(connections)}
    links = [FilterView("/connections", f"All {len(connections)}", show not in useful)]
    for name, members in useful.items():
        kind, _, label = name.partition(":")
        words = WORDS.get(name) or (f"{label}s" if kind == "kind" else f"{label[:1].upper()}{label[1:]}")
        links.append(FilterView(f"/connections?show={quote(name)}", f"{words} {len(members)}", show == name))
    return tuple(links)


def running_sentence(connections: Sequence[Connection]) -> str:
    """For the home page: how many run now."""
    running = sum(connection.status in RUNNING for connection in connections)
    if not running:
        return "Nobody may act for you now."
    return f"{counted(running, 'app or service', 'apps and services')} may act for you now."
