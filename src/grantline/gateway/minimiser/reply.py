"""Sends one answer to the client, cut. What came from the upstream leaves through here or not at all."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from grantline.gateway.minimiser.body import Body
from grantline.gateway.minimiser.cut import Cutter
from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.heads import Form, Head, Headers, read_head
from grantline.gateway.minimiser.problem import refusal, withheld
from grantline.gateway.minimiser.settings import Settings
from grantline.model.ids import EvaluationId
from grantline.model.reasons import Reason

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
_PROBLEM = ((b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"))


class Reply:
    """One answer over ASGI. `status` and `sent` (body bytes) tell what the client was given, 0 until something was.

    `begin`, `feed` and `finish` raise `Unfilterable`; the caller then calls `refuse`.
    """

    def __init__(self, send: Send, cutter: Cutter, bounds: Settings, evaluation: EvaluationId | None) -> None:
        self._send, self._cutter, self._bounds, self._evaluation = send, cutter, bounds, evaluation
        self._head: Head | None = None
        self._body: Body | None = None
        self.status = 0
        self.sent = 0
        self.done = False

    async def begin(self, method: str, status: int, headers: Headers) -> None:
        """Take the upstream's head. Answers at once, and is `done`, where the upstream's body is not needed."""
        head = self._head = read_head(method, status, headers)
        match head.form:
            case Form.EMPTY:
                await self._whole(head.status, head.headers, b"")
            case Form.WITHHELD:
                text = b"" if method == "HEAD" else withheld(head.status, self._evaluation)
                await self._whole(head.status, (*_PROBLEM, *head.headers[1:]), text)
            case Form.JSON | Form.NDJSON:
                self._body = Body(head, self._cutter, self._bounds)

    async def feed(self, data: bytes) -> None:
        """Take a piece of the upstream's body."""
        for kept in self._taking().feed(data):
            await self._part(kept)

    async def finish(self) -> None:
        """Told that the upstream's body ended as it should."""
        kept = self._taking().finish()
        if self.status:
            await self._part(kept)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            self.done = True
        elif self._head is not None:
            await self._whole(self._head.status, self._head.headers, kept)

    async def refuse(self, status: int | None = None, problem: bytes = b"") -> None:
        """Answer with a problem instead (the default: 502 `response_unfilterable`).

        If a part of the answer is on its way already, raises `Unfilterable` for the server to break the connection:
        an ending that looks whole would be a lie.
        """
        if self.status:
            raise Unfilterable("the answer had begun")
        if status is None:
            status, problem = refusal(Reason.RESPONSE_UNFILTERABLE, self._evaluation)
        await self._whole(status, _PROBLEM, problem)

    def _taking(self) -> Body:
        if self._body is None or self.done:
            raise Unfilterable("a body where none belongs")
        return self._body

    async def _start(self, status: int, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def _part(self, kept: bytes) -> None:
        if not kept:
            return
        if not self.status and self._head is not None:
            await self._start(self._head.status, self._head.headers)
        self.sent += len(kept)
        await self._send({"type": "http.response.body", "body": kept, "more_body": True})

    async def _whole(self, status: int, headers: tuple[tuple[bytes, bytes], ...], text: bytes) -> None:
        # HEAD and 204 carry no length: even a number would tell of what was not agreed.
        length = ((b"content-length", str(len(text)).encode()),) if text else ()
        self.done = True
        self.sent += len(text)
        await self._start(status, (*headers, *length))
        await self._send({"type": "http.response.body", "body": text, "more_body": False})
