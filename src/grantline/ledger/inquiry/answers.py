"""Answers an investigator, once the question itself is on record: who watches is watched."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson

from grantline.ledger import sealing
from grantline.ledger.findings import OwnStream
from grantline.ledger.inquiry.port import Crowd, Found, Investigations, Odd, Window
from grantline.ledger.inquiry.questions import (
    ByClient,
    Consented,
    Crowded,
    Marked,
    OfToken,
    Question,
    Told,
    Traced,
    WhoAccessed,
)
from grantline.ledger.keys import PersonKeys
from grantline.ledger.store import EntryStore
from grantline.model.errors import InvalidRequest
from grantline.model.events import Event, EventType

MOST = 1_000
MOST_TEXT = 500
_MARKS = {"after-end": Odd.AFTER_END, "other-purpose": Odd.OTHER_PURPOSE, "after-refusal": Odd.AFTER_REFUSAL}


class Inquiries:
    """Reads entries and opens details with the keys there are; `tell` records the question."""

    def __init__(
        self, entries: EntryStore, investigations: Investigations, keys: PersonKeys, stream: OwnStream
    ) -> None:
        self._entries, self._found, self._keys, self._stream = entries, investigations, keys, stream

    async def answer(self, question: Question) -> tuple[Told, ...] | tuple[Crowd, ...]:
        """Newest first, by producers' time.

        Raises `InvalidRequest`, and `AuditUnavailable` if the question cannot be recorded.
        """
        _require_bounded(question)
        if isinstance(question, Crowded):
            crowds = tuple(self._found.crowds(question.more_than, question.window))
            await self._record(question, len(crowds))
            return crowds
        told = sorted(map(self._tell, self._find(question)), key=lambda each: (each.t, each.index), reverse=True)
        await self._record(question, len(told))
        return tuple(told)

    def _find(self, question: Question) -> Sequence[Found]:
        """Every kind but `Crowded`."""
        window = question.window
        if isinstance(question, WhoAccessed):
            return self._found.of_people(self._keys.of_person(question.person), window)
        if isinstance(question, Traced):
            return self._story(self._found.of_trace(question.trace, window))
        if isinstance(question, Consented):
            return self._life(question, window)
        return self._listed(question)

    def _listed(self, question: Question) -> Sequence[Found]:
        window = question.window
        if isinstance(question, ByClient):
            return self._found.of_client(question.client, window)
        if isinstance(question, OfToken):
            return self._found.of_token(question.jti_hash, window)
        if isinstance(question, Marked):
            return self._found.odd(_MARKS[question.mark], window)
        return self._found.of_type(EventType.LEDGER_QUERIED, window)

    def _life(self, question: Consented, window: Window) -> list[Found]:
        holder = self._keys.consent(question.consent)
        if holder is None:
            return []
        ref = holder.consent_ref(question.consent)
        return _newest((*self._found.of_consent(ref, window), *self._found.calls_under(ref, window)), window)

    def _story(self, calls: list[Found]) -> list[Found]:
        """What led to these calls: the consents they were made under, the tokens they were made with."""
        told = [self._tell(each) for each in calls]
        before = Window(until=max((each.t for each in told), default=0) + 1)
        found = list(calls)
        for consent in dict.fromkeys(each.consent for each in told if each.consent is not None):
            holder = self._keys.consent(consent)
            if holder is not None:
                found += self._found.of_consent(holder.consent_ref(consent), before)
        return _newest(found, Window(limit=MOST))

    def _tell(self, found: Found) -> Told:
        (body,) = self._entries.bodies(found.idx, found.idx + 1)
        event = sealing.restore(body, self._entries.details(found.idx, found.idx + 1), self._keys)
        leaf = orjson.loads(body)
        told = _of_leaf(found, leaf)
        return msgspec.structs.replace(told, erased=True) if event is None else _with(told, event)

    async def _record(self, question: Question, found: int) -> None:
        """About somebody, if the record knows them: a name that it does not know makes no key."""
        person = question.person if isinstance(question, WhoAccessed) else None
        consent = question.consent if isinstance(question, Consented) else None
        known = (person is None or self._keys.of_person(person)) and (
            consent is None or self._keys.consent(consent) is not None
        )
        asked = msgspec.to_builtins(question)
        detail = {
            "question": asked["kind"], "by": question.by, "reason": question.reason, "found": found,
            "asked": {name: asked[name] for name in sorted(asked) if name in _SAYABLE},
        }  # fmt: skip
        about = {"person": person, "consent": consent} if known else {}
        await self._stream.tell(EventType.LEDGER_QUERIED, "query", detail, **about)


_SAYABLE = frozenset({"trace", "client", "jti_hash", "mark", "more_than", "window"})


def _require_bounded(question: Question) -> None:
    if not 0 < question.window.limit <= MOST:
        raise InvalidRequest(f"An answer has 1 to {MOST} events.")
    if not question.by or not question.reason:
        raise InvalidRequest("Say who asks, and why.")
    if any(isinstance(value, str) and len(value) > MOST_TEXT for value in msgspec.structs.asdict(question).values()):
        raise InvalidRequest(f"A text may have {MOST_TEXT} characters.")


def _newest(found: Iterable[Found], window: Window) -> list[Found]:
    unique = {each.idx: each for each in found}
    return [unique[idx] for idx in sorted(unique, reverse=True)][: window.limit]


def _of_leaf(found: Found, leaf: dict[str, Any]) -> Told:
    return Told(
        index=found.idx, event_id=leaf["id"], type=leaf["type"], t=leaf["t"], producer=leaf["prod"],
        out=found.decision or leaf["out"], reason=found.reason or leaf.get("rsn"), client=leaf.get("client"),
        version=leaf.get("cv"), purpose=leaf.get("pur"), jti_hash=leaf.get("jtih"), trace=leaf.get("tr"),
        action=leaf["act"], datatype=leaf["res"], status=found.status,
    )  # fmt: skip


def _with(told: Told, event: Event) -> Told:
    detail = event.detail
    fields = detail.get("fields")
    return msgspec.structs.replace(
        told, consent=event.consent, api=_text(detail, "api"), agent=_text(detail, "actor"), by=_text(detail, "by"),
        asked=_text(detail, "question"),
        fields=tuple(str(name) for name in fields) if isinstance(fields, list | tuple) else (),
    )  # fmt: skip


def _text(detail: dict[str, Any], name: str) -> str | None:
    value = detail.get(name)
    return value if isinstance(value, str) else None
