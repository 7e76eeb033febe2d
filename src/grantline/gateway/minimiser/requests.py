"""What an upstream gets of a filtered call: the same target, the headers that keep its answer filterable, the body."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.heads import Headers

# Conditional and partial answers, other encodings and other protocols cannot be filtered (RFC 9110 §13, §14, §7.8).
_UNFILTERABLE = {
    b"accept-encoding", b"range", b"if-range", b"if-match", b"if-none-match", b"if-modified-since",
    b"if-unmodified-since", b"upgrade", b"expect", b"te", b"trailer", b"want-digest", b"want-content-digest",
    b"want-repr-digest", b"a-im",
}  # fmt: skip
_HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"transfer-encoding"}
# The client's own credentials are for the gateway; the upstream believes the signed context alone.
_CREDENTIALS = {b"authorization", b"dpop", b"cookie"}
_NEVER = _UNFILTERABLE | _HOP_BY_HOP | _CREDENTIALS


def filterable(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers without those that would make the answer unfilterable, and asking for no encoding.

    Names are lower-case on the way in (ASGI). Body framing (`content-length`) stays as it is.
    """
    told = list(headers)
    listed = {
        name.strip().lower() for header, value in told if header == b"connection" for name in value.split(b",")
    } - {b"content-length", b"host", b"grantline-context"}
    kept = [
        (name, value)
        for name, value in told
        if name not in _NEVER and name not in listed and not name.startswith(b"x-grantline-")
    ]
    return [*kept, (b"accept-encoding", b"identity")]


def target(scope: MutableMapping[str, Any]) -> bytes:
    """Raw path and query of an ASGI call, as they came."""
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def has_body(headers: Headers) -> bool:
    """True if the request announces a body (RFC 9112 §6)."""
    told = dict(headers)
    return b"transfer-encoding" in told or told.get(b"content-length", b"0") != b"0"


def framed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with a framing for a body: its length if the client told it, else chunks."""
    if any(name == b"content-length" for name, _ in headers):
        return headers
    return [*headers, (b"transfer-encoding", b"chunked")]


async def body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> AsyncIterator[bytes]:
    """The request's body as it comes; raises `Unfilterable` if the client leaves before its end."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Unfilterable("the client left before its request was whole")
        more = message.get("more_body", False)
        if data := message.get("body", b""):
            yield data
