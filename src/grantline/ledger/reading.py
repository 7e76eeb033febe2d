"""What others may ask of the record: projections built at ingest. Every number here is a count over entries."""

from typing import Protocol

import msgspec

from grantline.model.ids import ClientId, ConsentId, EventId, PersonId, PurposeId


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One call made under a consent. `index` is its entry in the ledger; `t` unix µs at the gateway."""

    index: int
    event_id: EventId
    t: int
    consent: ConsentId
    client: ClientId
    gateway: str
    api: str
    endpoint: str
    action: str
    datatype: str
    decision: str
    reason: str | None
    purpose: PurposeId | None
    fields: tuple[str, ...]
    status: int | None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over all accesses of one consent. `fields`: field id → (calls, last unix µs)."""

    consent: ConsentId
    allowed: int
    refused: int
    first_used: int | None
    last_used: int | None
    fields: dict[str, tuple[int, int]]


class DayUse(msgspec.Struct, frozen=True):
    """Accesses of one day of the reader's calendar (`2026-11-14`), counted over entries."""

    day: str
    allowed: int
    refused: int


class FieldUse(msgspec.Struct, frozen=True):
    """Allowed calls that carried one field of one kind of data, and unix µs of the last."""

    datatype: str
    field: str
    calls: int
    last: int


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a consent's life, for history and receipts."""

    index: int
    event_id: EventId
    type: str
    t: int
    reason: str | None
    version: int | None


class LedgerReader(Protocol):
    """The ledger's own questions, asked over its socket."""

    async def usage(self, consents: tuple[ConsentId, ...]) -> dict[ConsentId, Usage]:
        """Counts for each of these consents (absent: never used)."""
        ...

    async def accesses(self, consent: ConsentId, *, limit: int, before: int | None = None) -> tuple[Access, ...]:
        """Newest first; `before` is an entry index to page on from."""
        ...

    async def days(
        self, consent: ConsentId, *, since_us: int, offset_s: int, until_us: int | None = None
    ) -> tuple[DayUse, ...]:
        """Days with accesses from `since_us` up to before `until_us`, in order; a day begins at midnight of
        UTC + `offset_s`."""
        ...

    async def fields(self, consent: ConsentId, *, since_us: int = 0) -> dict[tuple[str, str], tuple[int, int]]:
        """(kind of data, field id) → (allowed calls since then that carried it, unix µs of the last)."""
        ...

    async def around(self, consent: ConsentId, t: int) -> tuple[Access | None, Access | None]:
        """Last allowed call begun, and first refused call after unix µs `t`."""
        ...

    async def life(self, consent: ConsentId) -> tuple[EventRow, ...]:
        """All events of a consent in order."""
        ...

    async def person_events(self, person: PersonId, *, limit: int) -> tuple[EventRow, ...]:
        """Newest first."""
        ...

    async def head(self) -> tuple[int, str]:
        """Size and root (base64) of the last signed checkpoint."""
        ...
