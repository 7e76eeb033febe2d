"""Words that several pages share: states, who somebody is, what a connection may do, why a call was refused."""

import unicodedata
from dataclasses import dataclass

from grantline.consent.offer import ClientCard, Span
from grantline.model.consent import Status
from grantline.model.reasons import NOT_FORWARDED, Reason
from grantline.model.text import lowered
from grantline.ui.kit.format import DAY_S
from grantline.ui.portal.services import Connection

ENDS_SOON_S = 7 * DAY_S


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
HELD = StateWord("Paused by us", "pause", "warn")
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
BY = {Status.WITHDRAWN: "You", Status.REVOKED: "We", Status.INVALIDATED: "We"}
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
    Reason.LIMIT_UNKNOWN: "how many calls are left could not be looked up",
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


def held(connection: Connection) -> bool:
    """Whether it would run, were it not for us: its client may not act at all, or what it may read is not there."""
    return (connection.held or connection.unserved) and connection.status in RUNNING


def state(connection: Connection, now: int) -> StateWord:
    """The state of a connection at unix seconds."""
    if held(connection):
        return HELD
    if connection.status is Status.ACTIVE:
        return ENDS_SOON if connection.until - now < ENDS_SOON_S else ACTIVE
    return STATES[connection.status]


def refusal(reason: str | None) -> str:
    """Why a call was refused, in the words of the person it was refused for."""
    if reason == NOT_FORWARDED:
        return "it hung up before the call went on"
    try:
        return REFUSED_BECAUSE.get(Reason(reason or ""), "a rule of ours refused it")
    except ValueError:
        return "a rule of ours refused it"


def may(connection: Connection, *, lower: bool = False) -> tuple[Span, ...]:
    """What a connection may do, without its end. `lower`: it follows another word."""
    if not connection.may:
        return (Span("do nothing" if lower else "Nothing"),)
    first, *rest = connection.may
    return (Span(lowered(first.text) if lower else first.text, first.strong), *rest)
