"""The ledger's door: producers bring events, the authority asks, anyone may fetch checkpoint and tiles. Raw ASGI."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
import structlog

from grantline.ledger.access import Producers, UnknownProducer
from grantline.ledger.body import Receive, read_body
from grantline.ledger.orders import Orders
from grantline.ledger.placing import Gap
from grantline.ledger.published import KEYS, MINIMUM, WITNESSED, Published
from grantline.ledger.queries import Queries
from grantline.ledger.sequencer import Sequencer
from grantline.model.errors import AuditUnavailable, Conflict, GrantlineError, InvalidRequest, NotFound
from grantline.model.events import Submission
from grantline.model.reading import decoder

Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, str, bytes]
"""Status, content type, body."""

MAX_BODY = 4 * 1024 * 1024
JSON = "application/json"
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (UnknownProducer, HTTPStatus.UNAUTHORIZED),
    (Conflict, HTTPStatus.CONFLICT),
    (NotFound, HTTPStatus.NOT_FOUND),
    (AuditUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (InvalidRequest, HTTPStatus.BAD_REQUEST),
    (msgspec.DecodeError, HTTPStatus.BAD_REQUEST),
)
_submission = decoder(Submission)
_log = structlog.get_logger(__name__)


class LedgerApp:
    """The ASGI application of the ledger process."""

    def __init__(
        self,
        sequencer: Sequencer,
        producers: Producers,
        queries: Queries,
        published: Published,
        *,
        orders: Orders,
        authority: str,
    ) -> None:
        self._sequencer = sequencer
        self._orders = orders
        self._producers = producers
        self._queries = queries
        self._published = published
        self._authority = authority

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request. Lifespan and websocket scopes are not spoken here."""
        if scope["type"] != "http":
            return
        try:
            status, kind, body = await self._answer(scope, receive)
        except tuple(each for each, _ in _STATUS) as error:
            status, kind, body = _refusal(error)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        if method == "POST" and path == "/ingest":
            return await self._ingest(scope, receive)
        if method == "POST" and path.startswith("/query/"):
            return await self._query(scope, receive, path.removeprefix("/query/"))
        if method == "POST" and path in self._orders:
            return await self._obey(scope, receive, path)
        if method == "GET":
            return self._file(path)
        raise NotFound("There is nothing here.")

    async def _ingest(self, scope: dict[str, Any], receive: Receive) -> Answer:
        producer = self._producers.identify(_authorization(scope))
        submission = _submission(await read_body(receive, MAX_BODY))
        if submission.producer != producer:
            raise UnknownProducer("The events are of another producer.", detail=f"{producer}: {submission.producer}")
        return HTTPStatus.OK, JSON, msgspec.json.encode(await self._sequencer.append(submission))

    async def _obey(self, scope: dict[str, Any], receive: Receive, path: str) -> Answer:
        if self._producers.identify(_authorization(scope)) != self._authority:
            raise UnknownProducer("Only the authority may order this.")
        return HTTPStatus.OK, JSON, await self._orders.obey(path, await read_body(receive, MAX_BODY))

    async def _query(self, scope: dict[str, Any], receive: Receive, name: str) -> Answer:
        if self._producers.identify(_authorization(scope)) != self._authority:
            raise UnknownProducer("Only the authority may ask.")
        return HTTPStatus.OK, JSON, self._queries.ask(name, await read_body(receive, MAX_BODY))

    def _file(self, path: str) -> Answer:
        """Checkpoint and key are text, everything below /tile/ is bytes; nothing else is published."""
        if path in ("/checkpoint", f"/{WITNESSED}", "/log.vkey", f"/{KEYS}", f"/{MINIMUM}"):
            found = self._published.read(path[1:])
            return HTTPStatus.OK, "text/plain; charset=utf-8", found
        if path.startswith("/tile/"):
            return HTTPStatus.OK, "application/octet-stream", self._published.read(path[1:])
        raise NotFound("There is nothing here.")


def _refusal(error: Exception) -> Answer:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    detail = error.detail if isinstance(error, GrantlineError) else ""
    _log.warning("ledger_request_refused", status=int(status), error=str(error), detail=detail)
    problem: dict[str, object] = {"title": str(error), "status": int(status)}
    if isinstance(error, Gap):
        problem["expected"] = error.expected
    return status, "application/problem+json", msgspec.json.encode(problem)


def _authorization(scope: dict[str, Any]) -> str | None:
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    return values[0].decode("latin-1") if len(values) == 1 else None
