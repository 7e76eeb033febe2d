"""One event as a sentence that needs no manual."""

from grantline.ledger.inquiry.questions import Told
from grantline.model.clock import iso
from grantline.model.events import EventType

_ACTS: dict[str, str] = {
    EventType.CONSENT_REQUESTED: "{client} asked for consent",
    EventType.CONSENT_GIVEN: "the person gave {client} consent",
    EventType.CONSENT_AMENDED: "the consent of {client} was changed",
    EventType.CONSENT_REFUSED: "the person refused {client} consent",
    EventType.CONSENT_WITHDRAWN: "the person withdrew the consent of {client}",
    EventType.CONSENT_REVOKED: "the operator ended the consent of {client}",
    EventType.CONSENT_EXPIRED: "the consent of {client} ended by its time",
    EventType.CONSENT_CLOSED: "the last call under the consent was over",
    EventType.CONSENT_DRAINED: "no call under the consent was open any more",
    EventType.CONSENT_PASSED_ON: "the consent was passed on to {client}",
    EventType.TOKEN_ISSUED: "a token was issued to {client}",
    EventType.TOKEN_REFRESHED: "{client} refreshed its token",
    EventType.TOKEN_REVOKED: "a token of {client} was revoked",
    EventType.TOKEN_INTROSPECTED: "a token of {client} was looked up",
    EventType.TOKEN_EXCHANGED: "a token was exchanged for one of {client}",
    EventType.FAMILY_ENDED: "the refresh tokens of {client} ended",
    EventType.LEDGER_QUERIED: "{by} asked the record ({asked})",
}


def sentence(told: Told) -> str:
    """When, who, what, for what, under which consent, and how it ended. Values are as they were told: print them with
    care for the terminal.
    """
    said = _call(told) if told.type == EventType.GATEWAY_DECISION else _act(told)
    return f"{iso(told.t)}  {said}{_under(told)}{' [erased: only what the entry tells is left]' if told.erased else ''}"


def _call(told: Told) -> str:
    who = f"{told.client or 'somebody'}{f' (through its agent {told.agent})' if told.agent else ''}"
    fields = f" ({', '.join(told.fields)})" if told.fields else ""
    what = f"{told.action} {told.datatype}{fields}{f' of {told.api}' if told.api else ''}"
    purpose = f" for {told.purpose}" if told.purpose else ""
    if told.out != "permit":
        return f"{told.producer} refused {who} {what}{purpose}: {told.reason or 'no reason told'}"
    ending = f"; the API answered {told.status}" if told.status is not None else "; no answer is known"
    return f"{told.producer} let {who} {what}{purpose}{ending}"


def _act(told: Told) -> str:
    known = _ACTS.get(told.type)
    if known is None:
        return f"{told.type}: {told.action} {told.datatype}{f' ({told.reason})' if told.reason else ''}"
    said = known.format(client=told.client or "somebody", by=told.by or "somebody", asked=told.asked or "something")
    reason = f" ({told.reason})" if told.reason else ""
    return f"{said}{f' for {told.purpose}' if told.purpose else ''}{reason}"


def _under(told: Told) -> str:
    if told.consent is None:
        return ""
    return f", under consent {told.consent}{f' version {told.version}' if told.version else ''}"
