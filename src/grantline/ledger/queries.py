"""The ledger's own questions, by name: arguments in, an answer of `reading` out."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from grantline.crypto.note import Checkpoint
from grantline.ledger.keys import PersonKeys
from grantline.ledger.reading import Access, DayUse, EventRow, FieldUse, Usage
from grantline.ledger.store import ProjectionStore
from grantline.model.errors import NotFound
from grantline.model.ids import ConsentId, PersonId
from grantline.model.reading import decoded

MAX_PAGE = 1_000


class UsageArguments(msgspec.Struct, frozen=True):
    """Of `usage`."""

    consents: tuple[ConsentId, ...]


class AccessesArguments(msgspec.Struct, frozen=True):
    """Of `accesses`."""

    consent: ConsentId
    limit: int
    before: int | None = None


class DaysArguments(msgspec.Struct, frozen=True):
    """Of `days`."""

    consent: ConsentId
    since_us: int
    offset_s: int
    until_us: int | None = None


class FieldsArguments(msgspec.Struct, frozen=True):
    """Of `fields`."""

    consent: ConsentId
    since_us: int = 0


class AroundArguments(msgspec.Struct, frozen=True):
    """Of `around`."""

    consent: ConsentId
    t: int


class LifeArguments(msgspec.Struct, frozen=True):
    """Of `life`."""

    consent: ConsentId


class PersonArguments(msgspec.Struct, frozen=True):
    """Of `person_events`."""

    person: PersonId
    limit: int


class NoArguments(msgspec.Struct, frozen=True):
    """Of `head`."""


class Queries:
    """Answers from projections. A consent whose key is gone has no answers left."""

    def __init__(self, projections: ProjectionStore, keys: PersonKeys, last: Callable[[], Checkpoint | None]) -> None:
        self._projections = projections
        self._keys = keys
        self._last = last
        self._known: dict[str, tuple[type[Any], Callable[[Any], object]]] = {
            "usage": (UsageArguments, self.usage),
            "accesses": (AccessesArguments, self.accesses),
            "days": (DaysArguments, self.days),
            "fields": (FieldsArguments, self.fields),
            "around": (AroundArguments, self.around),
            "life": (LifeArguments, self.life),
            "person_events": (PersonArguments, self.person_events),
            "head": (NoArguments, self.head),
        }

    def ask(self, name: str, body: bytes) -> bytes:
        """The JSON answer. Raises `NotFound` for an unknown question, `msgspec.DecodeError` for wrong arguments."""
        if name not in self._known:
            raise NotFound(f"There is no question {name!r}.")
        arguments, answer = self._known[name]
        return msgspec.json.encode(answer(decoded(body or b"{}", arguments)))

    def usage(self, asked: UsageArguments) -> dict[ConsentId, Usage]:
        """Counts; a consent that was never used is absent."""
        found = {consent: self._usage(consent) for consent in asked.consents}
        return {consent: usage for consent, usage in found.items() if usage is not None}

    def accesses(self, asked: AccessesArguments) -> tuple[Access, ...]:
        """One page, newest first."""
        ref = self._ref(asked.consent)
        limit = min(asked.limit, MAX_PAGE)
        return () if ref is None else self._projections.accesses(ref, asked.consent, limit, asked.before)

    def days(self, asked: DaysArguments) -> tuple[DayUse, ...]:
        """Counts by day."""
        ref = self._ref(asked.consent)
        return () if ref is None else self._projections.days(ref, asked.since_us, asked.offset_s, asked.until_us)

    def fields(self, asked: FieldsArguments) -> tuple[FieldUse, ...]:
        """Counts by field."""
        ref = self._ref(asked.consent)
        return () if ref is None else self._projections.fields(ref, asked.since_us)

    def around(self, asked: AroundArguments) -> tuple[Access | None, Access | None]:
        """Last permitted, first refused after."""
        ref = self._ref(asked.consent)
        return (None, None) if ref is None else self._projections.around(ref, asked.consent, asked.t)

    def life(self, asked: LifeArguments) -> tuple[EventRow, ...]:
        """Everything but the calls, in order."""
        ref = self._ref(asked.consent)
        return () if ref is None else self._projections.life(ref)

    def person_events(self, asked: PersonArguments) -> tuple[EventRow, ...]:
        """Everything but the calls, newest first."""
        return self._projections.events_of(self._keys.of_person(asked.person), min(asked.limit, MAX_PAGE))

    def head(self, _: NoArguments) -> tuple[int, str]:
        """Of the last signed checkpoint."""
        last = self._last()
        if last is None:
            raise NotFound("There is no checkpoint yet.")
        return last.size, base64.b64encode(last.root).decode()

    def _usage(self, consent: ConsentId) -> Usage | None:
        ref = self._ref(consent)
        return None if ref is None else self._projections.usage(ref, consent)

    def _ref(self, consent: ConsentId) -> str | None:
        holder = self._keys.consent(consent)
        return None if holder is None else holder.consent_ref(consent)
