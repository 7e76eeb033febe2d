"""The ledger over its socket: bring events, ask questions. What other processes hold instead of the ledger."""

import secrets
import time
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from grantline.crypto.es256 import SigningKey
from grantline.ledger.access import LIFETIME_S, UnknownProducer, state
from grantline.ledger.erasure import Erasure, Order
from grantline.ledger.inquiry.port import Crowd
from grantline.ledger.inquiry.questions import Crowded, Inquiry, Question, Told
from grantline.ledger.reading import Access, DayUse, EventRow, FieldUse, Usage
from grantline.ledger.retention.holds import Hold, HoldOrder, LiftOrder
from grantline.ledger.retention.port import Purge
from grantline.ledger.rotation import RotateOrder
from grantline.ledger.signing_keys import KeyTerm
from grantline.model.errors import AuditUnavailable, Conflict, GrantlineError, InvalidRequest, NotFound
from grantline.model.events import Accepted, Submission
from grantline.model.ids import ConsentId, PersonId

T = TypeVar("T")
TIMEOUT_S = 5.0
PURGE_S = 3_600.0
"""A purge answers when all of it is done."""


class Missing(Conflict):
    """The ledger has not got the events before these. Send again from `expected`."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"Sequence number {expected} is expected.")
        self.expected = expected


class LedgerClient:
    """Implements `LedgerReader`, and brings submissions. `producer` and its key say who asks."""

    def __init__(self, socket: Path, producer: str, key: SigningKey) -> None:
        self.producer = producer
        self._key = key
        transport = httpx2.AsyncHTTPTransport(uds=str(socket))
        self._http = httpx2.AsyncClient(transport=transport, base_url="http://ledger", timeout=TIMEOUT_S)
        self._statement = ("", 0.0)

    async def submit(self, submission: Submission) -> Accepted:
        """Durable in the tree when this returns.

        Raises `Missing`, `Conflict`, `InvalidRequest`, `UnknownProducer`, or `AuditUnavailable` (send the same again).
        """
        return await self._post("/ingest", submission, Accepted)

    async def usage(self, consents: tuple[ConsentId, ...]) -> dict[ConsentId, Usage]:
        """See `LedgerReader`."""
        return await self._post("/query/usage", {"consents": consents}, dict[ConsentId, Usage])

    async def accesses(self, consent: ConsentId, *, limit: int, before: int | None = None) -> tuple[Access, ...]:
        """See `LedgerReader`."""
        asked = {"consent": consent, "limit": limit, "before": before}
        return await self._post("/query/accesses", asked, tuple[Access, ...])

    async def days(
        self, consent: ConsentId, *, since_us: int, offset_s: int, until_us: int | None = None
    ) -> tuple[DayUse, ...]:
        """See `LedgerReader`."""
        asked = {"consent": consent, "since_us": since_us, "offset_s": offset_s, "until_us": until_us}
        return await self._post("/query/days", asked, tuple[DayUse, ...])

    async def fields(self, consent: ConsentId, *, since_us: int = 0) -> dict[tuple[str, str], tuple[int, int]]:
        """See `LedgerReader`."""
        found = await self._post("/query/fields", {"consent": consent, "since_us": since_us}, tuple[FieldUse, ...])
        return {(use.datatype, use.field): (use.calls, use.last) for use in found}

    async def around(self, consent: ConsentId, t: int) -> tuple[Access | None, Access | None]:
        """See `LedgerReader`."""
        return await self._post("/query/around", {"consent": consent, "t": t}, tuple[Access | None, Access | None])

    async def life(self, consent: ConsentId) -> tuple[EventRow, ...]:
        """See `LedgerReader`."""
        return await self._post("/query/life", {"consent": consent}, tuple[EventRow, ...])

    async def person_events(self, person: PersonId, *, limit: int) -> tuple[EventRow, ...]:
        """See `LedgerReader`."""
        return await self._post("/query/person_events", {"person": person, "limit": limit}, tuple[EventRow, ...])

    async def erase(self, order: Order) -> Erasure:
        """Have a person forgotten (see `Eraser`). Raises `NotFound`, `AuditUnavailable`; repeating it is harmless."""
        return await self._post("/erase", order, Erasure)

    async def head(self) -> tuple[int, str]:
        """See `LedgerReader`."""
        return await self._post("/query/head", {}, tuple[int, str])

    async def inquire(self, question: Question) -> tuple[Told, ...]:
        """An investigator's question: recorded, then answered. Raises `InvalidRequest` or `AuditUnavailable`."""
        return await self._post("/inquire", Inquiry(question=question), tuple[Told, ...])

    async def crowds(self, question: Crowded) -> tuple[Crowd, ...]:
        """Clients that reached many people within an hour."""
        return await self._post("/inquire", Inquiry(question=question), tuple[Crowd, ...])

    async def hold(self, order: HoldOrder) -> Hold:
        """Put on hold. Raises `NotFound`, `InvalidRequest` or `AuditUnavailable`."""
        return await self._post("/hold", order, Hold)

    async def lift(self, order: LiftOrder) -> Hold:
        """Lift a hold. Raises `NotFound`, `Conflict`, `InvalidRequest` or `AuditUnavailable`."""
        return await self._post("/lift", order, Hold)

    async def holds(self) -> tuple[Hold, ...]:
        """All holds, lifted ones too."""
        return await self._post("/holds", {}, tuple[Hold, ...])

    async def rotate_key(self, order: RotateOrder) -> KeyTerm:
        """A new checkpoint key. Raises `Conflict`, `InvalidRequest` or `AuditUnavailable`."""
        return await self._post("/rotate", order, KeyTerm)

    async def purge(self) -> tuple[Purge, ...]:
        """Let go now what is over. Raises `AuditUnavailable`."""
        return await self._post("/purge", {}, tuple[Purge, ...], timeout_s=PURGE_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _post(self, path: str, body: object, kind: type[T], *, timeout_s: float = TIMEOUT_S) -> T:
        headers = {"authorization": f"Bearer {self._stated()}", "content-type": "application/json"}
        try:
            answer = await self._http.post(path, content=msgspec.json.encode(body), headers=headers, timeout=timeout_s)
        except httpx2.HTTPError as error:
            raise AuditUnavailable("The ledger does not answer.", detail=repr(error)) from error
        if answer.status_code != 200:
            raise _error(answer.status_code, answer.content)
        return msgspec.json.decode(answer.content, type=kind)

    def _stated(self) -> str:
        """One statement serves for half its life."""
        token, until = self._statement
        now = time.time()
        if now >= until:
            token = state(self.producer, self._key, int(now), secrets.token_urlsafe(12))
            self._statement = token, now + LIFETIME_S / 2
        return token


def _error(status: int, body: bytes) -> GrantlineError:
    try:
        problem: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    title = str(problem.get("title", f"The ledger answered {status}."))
    if status == 409 and isinstance(problem.get("expected"), int):
        return Missing(problem["expected"])
    kinds: dict[int, type[GrantlineError]] = {
        400: InvalidRequest, 401: UnknownProducer, 404: NotFound, 409: Conflict
    }  # fmt: skip
    return kinds.get(status, AuditUnavailable)(title)
