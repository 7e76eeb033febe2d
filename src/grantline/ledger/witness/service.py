"""The witness over HTTP (C2SP tlog-witness): `POST /add-checkpoint`, `GET /<sha256(origin)>/checkpoint`. Raw ASGI."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import structlog

from grantline.ledger.body import Receive, read_body
from grantline.ledger.witness.keeper import Behind, Inconsistent, NotSigned, UnknownLog, Witness
from grantline.ledger.witness.request import MAX_REQUEST, AddCheckpoint
from grantline.model.errors import InvalidRequest

Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, str, str]
"""Status, content type, body."""

TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_STATUS: dict[type[Exception], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    NotSigned: HTTPStatus.FORBIDDEN,
    UnknownLog: HTTPStatus.NOT_FOUND,
    Inconsistent: HTTPStatus.UNPROCESSABLE_ENTITY,
}
_log = structlog.get_logger(__name__)


class WitnessApp:
    """The ASGI application of one witness. Requests are answered one at a time: each is one write."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request. Lifespan and websocket scopes are not spoken here."""
        if scope["type"] != "http":
            return
        status, kind, text = await self._answer(scope["method"], scope["path"], receive)
        body = text.encode()
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", b"POST" if scope["path"] == "/add-checkpoint" else b"GET"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})

    async def _answer(self, method: str, path: str, receive: Receive) -> Answer:
        adding = path == "/add-checkpoint"
        if method not in (("POST",) if adding else ("GET", "HEAD")):
            return HTTPStatus.METHOD_NOT_ALLOWED, TEXT, f"Only {'POST' if adding else 'GET'} is understood here.\n"
        try:
            text = (
                self._witness.add(AddCheckpoint.parse(await read_body(receive, MAX_REQUEST)))
                if adding
                else self._read(path)
            )
        except Behind as error:
            _log.warning("witness_refused", status=409, reason=str(error))
            return HTTPStatus.CONFLICT, SIZE, f"{error.size}\n"
        except tuple(_STATUS) as error:
            return _refusal(error)
        return HTTPStatus.OK, TEXT, text

    def _read(self, path: str) -> str:
        if path == "/witness.vkey":
            return f"{self._witness.key}\n"
        origin, _, name = path[1:].partition("/")
        if name != "checkpoint":
            raise UnknownLog(path)
        return self._witness.latest(origin)


def _refusal(error: Exception) -> Answer:
    status = _STATUS[type(error)]
    _log.warning("witness_refused", status=int(status), reason=str(error))
    if isinstance(error, UnknownLog):
        return status, TEXT, "This log is not watched here.\n"
    return status, TEXT, f"{error}\n"
