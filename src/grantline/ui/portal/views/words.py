"""Words that several pages share: states, who somebody is, what a connection may do, why a call was refused."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from grantline.consent.offer import ClientCard, OfferLine
from grantline.model.consent import Status
from grantline.model.reasons import Reason
from grantline.ui.kit import plural, series
from grantline.ui.kit.format import DAY_S
from grantline.ui.portal.services import Connection

ENDS_SOON_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence, maybe stressed."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class StateWord:
    """A state as icon, word and tone: never colour alone."""

    word: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class Who:
    """A client as it is shown. `known`: somebody checked who runs it."""

    name: str
    letter: str
    known: bool
    kind: str


KINDS = {"web": "App", "native": "App", "app": "App", "service": "Service", "agent": "Agent"}

ACTIVE = StateWord("Active", "allowed", "good")
ENDS_SOON = StateWord("Ends soon", "clock", "warn")
STATES = {
    Status.REQUESTED: StateWord("Waiting", "dots", "warn"),
    Status.AWAITING_APPROVAL: StateWord("Waiting", "dots", "warn"),
    Status.SUSPENDED: StateWord("Paused", "pause", "warn"),
    Status.WITHDRAWN: StateWord("Stopped", "square", ""),
    Status.REVOKED: StateWord("Stopped by us", "square", ""),
    Status.INVALIDATED: StateWord("Stopped by us", "square", ""),
    Status.EXPIRED: StateWord("Ended", "minus", ""),
    Status.COMPLETED: StateWord("Ended", "minus", ""),
    Status.LAPSED: StateWord("Not answered", "minus", ""),
    Status.REFUSED: StateWord("Not allowed", "refused", ""),
}
RUNNING = frozenset({Status.ACTIVE, Status.SUSPENDED})
STOPPED = frozenset({Status.WITHDRAWN, Status.REVOKED, Status.INVALIDATED})

REFUSED_BECAUSE = {
    Reason.FIELD_NOT_GRANTED: "you did not allow this field",
    Reason.RESOURCE_NOT_GRANTED: "you did not pick this one",
    Reason.ACTION_NOT_GRANTED: "you did not allow this act",
    Reason.LOOKBACK_EXCEEDED: "older than you allowed",
    Reason.PURPOSE_MISMATCH: "for another purpose than you allowed",
    Reason.PURPOSE_MISSING: "it did not say what for",
    Reason.GRANT_WITHDRAWN: "you stopped it",
    Reason.GRANT_REVOKED: "we stopped it",
    Reason.GRANT_EXPIRED: "it had ended",
    Reason.GRANT_SUPERSEDED: "you changed what it may do",
    Reason.GRANT_SUSPENDED: "you paused it",
    Reason.CONFIRMATION_DUE: "you have to confirm it first",
    Reason.LIMIT_REACHED: "the agreed limit was reached",
    Reason.CLIENT_QUARANTINED: "we stopped this app for now",
    Reason.FEED_STALE: "the gateway could not be sure it still holds",
    Reason.CONSENT_UNAVAILABLE: "the gateway could not look up what you allowed",
    Reason.AUDIT_UNAVAILABLE: "the call could not be recorded",
    Reason.ROUTE_UNKNOWN: "no such act can be allowed here",
    Reason.REQUEST_INVALID: "the call was not clear",
}


def plain(text: str) -> str:
    """A name without control, format and bidirectional marks: it cannot rewrite the line it stands in (check 44)."""
    return "".join(letter for letter in text if unicodedata.category(letter)[0] != "C").strip() or "No name"


def who(card: ClientCard) -> Who:
    """The client's mark and kind. A self-registered one gets no letter of its own choice."""
    name, known = plain(card.name), card.tier != "self_registered"
    return Who(name, name[0].upper() if known else "?", known, KINDS.get(card.kind, "App"))


def state(connection: Connection, now: int) -> StateWord:
    """The state of a connection at unix seconds."""
    if connection.status is Status.ACTIVE:
        return ENDS_SOON if connection.until - now < ENDS_SOON_S else ACTIVE
    return STATES[connection.status]


def refusal(reason: str | None) -> str:
    """Why a call was refused, in the words of the person it was refused for."""
    try:
        return REFUSED_BECAUSE.get(Reason(reason or ""), "a rule of ours refused it")
    except ValueError:
        return "a rule of ours refused it"


def fields_of(lines: Sequence[OfferLine]) -> int:
    """How many different fields these lines hold."""
    return len({(line.api, line.datatype, field.id) for line in lines for field in line.fields})


def purposes_of(lines: Sequence[OfferLine]) -> tuple[str, ...]:
    """Their purposes, each once, in order."""
    return tuple(dict.fromkeys(line.purpose_label for line in lines))


def may(connection: Connection, *, lower: bool = False) -> tuple[Span, ...]:
    """What a connection may do, as one sentence without its end. `lower`: it follows another word."""
    phrases = [*_reading(connection), *_changing(connection)]
    if not phrases:
        return (Span("do nothing" if lower else "Nothing"),)
    parts: list[Span] = []
    for number, (verb, rest, things) in enumerate(phrases):
        word = f"{verb[:1].lower()}{verb[1:]}" if number or lower else verb
        parts += [Span(f"{', ' if number else ''}{word} {rest} of "), Span(things, strong=True)]
    return (*parts, Span(f", because: {series(purposes_of(connection.lines))}"))


def _reading(connection: Connection) -> list[tuple[str, str, str]]:
    """For each verb that changes nothing: how many fields, and of what."""
    found: dict[str, list[OfferLine]] = {}
    for line in connection.lines:
        if not line.changes:
            found.setdefault(line.verb, []).append(line)
    things = series([plural(granted.count, granted.one, granted.many) for granted in connection.resources])
    return [
        (verb, plural(fields_of(lines), "field", "fields"), things or series(_kinds(lines)))
        for verb, lines in found.items()
    ]


def _changing(connection: Connection) -> list[tuple[str, str, str]]:
    """Each change by its name: it is never a number among others."""
    return [(line.verb, line.label, line.datatype_label) for line in connection.lines if line.changes]


def _kinds(lines: Sequence[OfferLine]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.datatype_label for line in lines))
