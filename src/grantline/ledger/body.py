"""The body of an ASGI request, whole and bounded."""

from collections.abc import Awaitable, Callable
from typing import Any

from grantline.model.errors import InvalidRequest

Receive = Callable[[], Awaitable[dict[str, Any]]]


async def read_body(receive: Receive, most: int) -> bytes:
    """At most `most` bytes. Raises `InvalidRequest` for more, and for a request that was cut short."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("The request was cut short.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise InvalidRequest("The request is too large.")
        if not message.get("more_body", False):
            return b"".join(parts)
