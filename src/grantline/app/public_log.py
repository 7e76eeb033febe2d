"""The published log over HTTP (C2SP tlog-tiles), read-only: `checkpoint` changes, everything else stays as it is."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from grantline.ledger.published import KEYS, MINIMUM, WITNESSED, Published
from grantline.model.errors import NotFound

PREFIX = "/log/"
TEXT, BYTES = b"text/plain; charset=utf-8", b"application/octet-stream"
_MUTABLE = ("checkpoint", WITNESSED, "log.vkey", KEYS, MINIMUM)
_ALWAYS = [(b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"nosniff")]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class PublicLog:
    """The ASGI application of everything below `PREFIX`. Any page may read it: what is there is public."""

    def __init__(self, published: Published) -> None:
        self._published = published

    async def __call__(self, scope: dict[str, Any], _receive: Any, send: Send) -> None:
        """One request."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, b"Only GET is understood here.\n", allow=b"GET, HEAD")
            return
        name = scope["path"].removeprefix(PREFIX)
        try:
            data = await asyncio.to_thread(self._published.read, name)
        except NotFound:
            await _answer(send, HTTPStatus.NOT_FOUND, b"There is nothing here.\n")
            return
        kept = b"no-cache" if name in _MUTABLE else b"public, max-age=31536000, immutable"
        kind = TEXT if name in _MUTABLE else BYTES
        await _answer(send, HTTPStatus.OK, data, kind=kind, kept=kept, head=scope["method"] == "HEAD")


async def _answer(
    send: Send, status: int, body: bytes, *, kind: bytes = TEXT, kept: bytes = b"no-store", allow: bytes = b"",
    head: bool = False,
) -> None:  # fmt: skip
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", kept), *_ALWAYS]
    if allow:
        headers.append((b"allow", allow))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
