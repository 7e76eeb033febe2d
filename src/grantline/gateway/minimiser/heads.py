"""Reads the head of an upstream's answer: may its body be filtered at all, and which headers may pass."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from grantline.gateway.minimiser.errors import Unfilterable

Headers = Iterable[tuple[bytes, bytes]]

# Retry-After alone passes: it steers the client and its form leaves no room for anything else (RFC 9110 §10.2.3).
_RETRY_AFTER = re.compile(
    rb"[0-9]{1,6}\Z|(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT\Z"
)
_NDJSON = {"application/x-ndjson", "application/ndjson"}
_GZIP = {"gzip", "x-gzip"}
_WITH_BODY = {200, 201, 202, 203}
_WITHOUT_BODY = {204, 205}
# To the client these would speak of its own token; here the upstream refuses the gateway (RFC 9110 §15.5.2).
_AGAINST_US = {401, 407}


class Form(Enum):
    """What may become of an answer."""

    JSON = auto()
    NDJSON = auto()
    EMPTY = auto()
    WITHHELD = auto()


@dataclass(frozen=True, slots=True)
class Head:
    """`status` and `headers` as the client gets them; `length` and `packed` as the upstream sends the body."""

    status: int
    form: Form
    headers: tuple[tuple[bytes, bytes], ...]
    length: int | None
    packed: bool


def read_head(method: str, status: int, headers: Headers) -> Head:
    """Judge an answer's head; raises `Unfilterable` where the body could not be cut surely.

    Errors (4xx, 5xx) keep their status and lose everything else. 304 and 206 speak of a representation that
    was not cut to this consent, redirects of places that may tell something: none of them passes.
    """
    told = _by_name(headers)
    passing = _passing(told)
    if status >= 400:
        return Head(502 if status in _AGAINST_US else status, Form.WITHHELD, passing, None, False)
    if status in _WITHOUT_BODY:
        return Head(status, Form.EMPTY, passing, None, False)
    if status not in _WITH_BODY:
        raise Unfilterable(f"status {status} cannot be filtered")
    form, media = _media(told)
    head = Head(status, form, ((b"content-type", media), *passing), _length(told), _packed(told))
    return head if method != "HEAD" else Head(status, Form.EMPTY, head.headers, None, False)


def _by_name(headers: Headers) -> dict[bytes, list[bytes]]:
    told: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        told.setdefault(name.lower(), []).append(value.strip())
    return told


def _passing(told: dict[bytes, list[bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    # What was cut for one consent must not be kept for another caller.
    kept = [(b"cache-control", b"no-store")]
    match told.get(b"retry-after"):
        case [value] if _RETRY_AFTER.match(value):
            kept.append((b"retry-after", value))
    return tuple(kept)


def _single(told: dict[bytes, list[bytes]], name: bytes) -> str | None:
    values = told.get(name, [])
    if len(set(values)) > 1:
        raise Unfilterable(f"{name.decode()} is told twice")
    return values[0].decode("latin-1").lower() if values else None


def _media(told: dict[bytes, list[bytes]]) -> tuple[Form, bytes]:
    media, _, parameters = (_single(told, b"content-type") or "").partition(";")
    media = media.strip()
    if parameters.strip().replace('"', "") not in {"", "charset=utf-8", "charset=utf8"}:
        raise Unfilterable(f"content type parameters {parameters.strip()!r}")
    if media == "application/json":
        return Form.JSON, b"application/json"
    if media in _NDJSON:
        return Form.NDJSON, b"application/x-ndjson"
    raise Unfilterable(f"content type {media!r}")


def _packed(told: dict[bytes, list[bytes]]) -> bool:
    coding = _single(told, b"content-encoding")
    if coding in _GZIP:
        return True
    if coding not in {None, "", "identity"}:
        raise Unfilterable(f"content encoding {coding!r}")
    return False


def _length(told: dict[bytes, list[bytes]]) -> int | None:
    length = _single(told, b"content-length")
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        raise Unfilterable("content length is no number")
    return int(length)
