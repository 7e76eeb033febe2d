"""A ledger in memory: accesses of 84 days made by a rule; every number is counted over them."""

from collections import Counter
from datetime import UTC, datetime

from grantline.ledger.reading import Access, DayUse, EventRow, Usage
from grantline.model.errors import TemporarilyUnavailable
from grantline.model.events import EventType
from grantline.model.ids import ClientId, ConsentId, EventId, PersonId, PurposeId

NOW = 1_794_661_591  # 14 Nov 2026, 14:06:31 CET
DAY = 86_400


class FakeRecord:
    """Accesses of 84 days, made by a rule; every count is counted over them."""

    def __init__(self) -> None:
        self.down = False
        self.rows: dict[ConsentId, list[Access]] = {}
        index = 151_870
        for day in range(84, -1, -1):
            calls = 0 if day in (40, 41, 42, 43, 44, 66) else (day * 7) % 11 + 3
            for number in reversed(range(calls)):
                index += 3
                t = (NOW - day * DAY - 486 - number * 731) * 1_000_000
                self._add(index, t, refused=day in (60, 29, 1) and number == 1)
        self.last = index

    def _add(self, index: int, t: int, *, refused: bool, reason: str = "field_not_granted") -> None:
        fields = ("iban",) if refused else ("date", "amount", "category", *(("merchant",) if index % 5 else ()))
        self.rows.setdefault(ConsentId("g_budget"), []).append(
            Access(
                index=index, event_id=EventId(f"e-{index}"), t=t, consent=ConsentId("g_budget"),
                client=ClientId("Budget app"), gateway="bank", api="bank",
                endpoint="GET /accounts/{account}/transactions", action="read",
                datatype="transactions", decision="deny" if refused else "permit",
                reason=reason if refused else None, purpose=PurposeId("budgeting"), fields=fields,
                status=403 if refused else 200,
            )
        )  # fmt: skip

    def calls_every(self, *, minutes: int, days: int) -> None:
        """Calls at a steady pace through all of these days, so that every hour of the clock is met."""
        for at in range(NOW - days * DAY, NOW, minutes * 60):
            self._add(self.last + 1, at * 1_000_000, refused=False)
            self.last += 1

    def calls_around_the_stop(self) -> None:
        """One call 3 ms before the stop was recorded, one 29 ms after it."""
        click = NOW * 1_000_000 + 208_000
        self._add(self.last + 3, click + 6_000, refused=False)
        self._add(self.last + 5, click + 38_000, refused=True, reason="grant_withdrawn")

    def _of(self, consent: ConsentId) -> list[Access]:
        if self.down:
            raise TemporarilyUnavailable("The ledger did not answer.")
        return self.rows.get(consent, [])

    async def usage(self, consents: tuple[ConsentId, ...]) -> dict[ConsentId, Usage]:
        return {
            consent: Usage(
                consent=consent, allowed=sum(row.decision == "permit" for row in rows),
                refused=sum(row.decision == "deny" for row in rows), first_used=rows[0].t, last_used=rows[-1].t,
                fields={},
            )
            for consent in consents
            if (rows := self._of(consent))
        }  # fmt: skip

    async def accesses(self, consent: ConsentId, *, limit: int, before: int | None = None) -> tuple[Access, ...]:
        rows = [row for row in self._of(consent) if before is None or row.index < before]
        return tuple(reversed(rows[-limit:]))

    async def days(
        self, consent: ConsentId, *, since_us: int, offset_s: int, until_us: int | None = None
    ) -> tuple[DayUse, ...]:
        allowed: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        for row in self._of(consent):
            if since_us <= row.t and (until_us is None or row.t < until_us):
                day = datetime.fromtimestamp(row.t // 1_000_000 + offset_s, UTC).date().isoformat()
                (allowed if row.decision == "permit" else refused)[day] += 1
        return tuple(DayUse(day, allowed[day], refused[day]) for day in sorted({*allowed, *refused}))

    async def fields(self, consent: ConsentId, *, since_us: int = 0) -> dict[tuple[str, str], tuple[int, int]]:
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for row in self._of(consent):
            for name in row.fields if row.decision == "permit" and row.t >= since_us else ():
                calls, last = found.get((row.datatype, name), (0, 0))
                found[row.datatype, name] = calls + 1, max(last, row.t)
        return found

    async def around(self, consent: ConsentId, t: int) -> tuple[Access | None, Access | None]:
        allowed = [row for row in self._of(consent) if row.decision == "permit"]
        refused = [row for row in self._of(consent) if row.decision == "deny" and row.t > t]
        return (allowed[-1] if allowed else None), (refused[0] if refused else None)

    async def life(self, consent: ConsentId) -> tuple[EventRow, ...]:
        self._of(consent)
        given = EventRow(
            index=151_869, event_id=EventId("e-0"), type=EventType.CONSENT_GIVEN, t=(NOW - 85 * DAY) * 1_000_000,
            reason=None, version=1,
        )  # fmt: skip
        return (given,)

    async def person_events(self, person: PersonId, *, limit: int) -> tuple[EventRow, ...]:
        return ()

    async def head(self) -> tuple[int, str]:
        return 184_204, "root"
