"""Puts the check of the gateway's context before any ASGI application: a call without it never reaches the API."""

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from grantline.sdk.resource_server.context import HEADER, Context, ContextRefused, ContextVerifier

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

STATE = "grantline"
_log = logging.getLogger(__name__)
_NAME = HEADER.encode()


class RequireGateway:
    """`app` behind its gateway. The context is in `scope["state"]["grantline"]`; see `context_of`."""

    def __init__(self, app: Application, verifier: ContextVerifier) -> None:
        self._app = app
        self._verifier = verifier

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a call with a good context through, answer any other with 401. Websockets are not delegated: refused."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            raise RuntimeError(f"a {scope['type']} call cannot come through a gateway")
        try:
            context = self._verifier.admit(_values(scope), scope["method"], _target(scope))
        except ContextRefused as refused:
            _log.warning("refused: %s", refused.detail)
            return await _refuse(send, refused)
        scope.setdefault("state", {})[STATE] = context
        return await self._app(scope, receive, send)


def context_of(scope: MutableMapping[str, Any]) -> Context:
    """The context of a call that came through `RequireGateway`; KeyError on any other."""
    context: Context = scope["state"][STATE]
    return context


def _values(scope: Message) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == _NAME]


def _target(scope: Message) -> str:
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


async def _refuse(send: Send, refused: ContextRefused) -> None:
    problem = {
        "type": "urn:grantline:reason:context_missing",
        "title": "Calls reach this API through its gateway only.",
        "status": 401,
        "detail": refused.message,
    }
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
        (b"www-authenticate", b"Grantline-Context"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
