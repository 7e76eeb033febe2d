"""Requests and answers of the raw endpoints: small frozen values, so that no framework stands on the hot path."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from grantline.crypto.certificates.reading import thumbprint

Headers = tuple[tuple[bytes, bytes], ...]
NOT_KEPT: Headers = (
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
)
JSON: Headers = ((b"content-type", b"application/json"), *NOT_KEPT)


class Request(msgspec.Struct, frozen=True):
    """One request with its whole body. `headers`: lower-case name → every value in order; `address`: of the peer.

    `certificates`: DER of what the client showed, its own first. `base`: URL of the door it came by, if it is not the
    issuer's.
    """

    method: str
    path: str
    query: str
    headers: dict[str, tuple[str, ...]]
    body: bytes
    address: str
    certificates: tuple[bytes, ...] = ()
    base: str | None = None

    @property
    def x5t(self) -> str | None:
        """The `x5t#S256` of the client's certificate, if it showed one (RFC 8705 §3.1)."""
        return thumbprint(self.certificates[0]) if self.certificates else None

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a header."""
        return self.headers.get(name, ())

    def only(self, name: str) -> str | None:
        """The value of a header that stands exactly once; None when absent or repeated."""
        values = self.headers.get(name, ())
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Headers = field(default=())


def json_response(value: Any, status: int = 200, *more: tuple[bytes, bytes]) -> Response:
    """A JSON answer that nobody may keep (RFC 6749 §5.1; check 93)."""
    return Response(status, orjson.dumps(value), (*JSON, *more))


def see_other(url: str) -> Response:
    """Go there with GET: 303, never 307, so that no form is posted on (RFC 9700 §4.12; check 23)."""
    headers = (
        (b"location", url.encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    )
    return Response(303, b"", headers)
