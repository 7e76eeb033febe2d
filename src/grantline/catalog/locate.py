"""Reads a raw path and query without doubt, or not at all: what two programs could read differently is refused."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from grantline.catalog.routes import Route
from grantline.model.errors import InvalidRequest

_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*\Z")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@/?-]|%[0-9A-Fa-f]{2})*\Z")
_NEEDLESS = re.compile(r"%(?:2D|2E|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])", re.IGNORECASE)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MAX_PATH = 2_048
_MAX_QUERY = 8_192


def read_path(path: str) -> tuple[str, ...]:
    """The decoded segments of a raw path; raises `InvalidRequest` where its meaning could be doubted.

    Refused: dot segments, empty segments inside, `;`, `\\`, encoded slashes, percent signs, controls or letters that
    need no encoding, broken UTF-8. Each is read differently by some proxy or server (RFC 3986 §6.2.2).
    """
    if len(path) > _MAX_PATH or not path.startswith("/"):
        raise InvalidRequest("The path is too long or does not begin with a slash.")
    raw = path[1:].split("/")
    if "" in raw[:-1]:
        raise InvalidRequest("The path has an empty segment.")
    return tuple(_segment(segment) for segment in raw)


def _segment(raw: str) -> str:
    if not _SEGMENT.match(raw) or _NEEDLESS.search(raw):
        raise InvalidRequest("The path is spelled in a way that can be read twice.")
    text = _decode(raw)
    if text in {".", ".."} or "/" in text or "\\" in text or "%" in text or not _printable(text):
        raise InvalidRequest("The path holds a segment that can be read twice.")
    return text


def read_query(query: str) -> Mapping[str, str]:
    """Name → value of a raw query; raises `InvalidRequest` when a name comes twice or a byte is in doubt."""
    if len(query) > _MAX_QUERY or not _QUERY.match(query):
        raise InvalidRequest("The query is too long or has a letter that must be encoded.")
    values: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        raw_name, _, raw_value = pair.partition("=")
        name, value = _decode(raw_name.replace("+", " ")), _decode(raw_value.replace("+", " "))
        if not name or not _printable(name + value):
            raise InvalidRequest("The query has a part without a name or with a control character.")
        if name in values:
            raise InvalidRequest("A query parameter is repeated.", detail=f"parameter {name!r}")
        values[name] = value
    return values


def _decode(raw: str) -> str:
    if "%" not in raw:
        return raw
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The address is not UTF-8.") from error


def _printable(text: str) -> bool:
    return _CONTROL.search(text) is None


def find(routes: Iterable[Route], method: str, segments: tuple[str, ...]) -> tuple[Route, Mapping[str, str]] | None:
    """The one route of this method and path. HEAD is the GET of the same path (RFC 9110 §9.3.2)."""
    wanted = "GET" if method == "HEAD" else method
    for route in routes:
        if route.entry.method == wanted:
            parameters = route.template.match(segments)
            if parameters is not None:
                return route, parameters
    return None


def asked_fields(route: Route, query: Mapping[str, str]) -> tuple[str, ...]:
    """The fields named by the caller, in its order; empty when it names none (all it was granted)."""
    name = route.entry.fields_parameter
    if name is None or name not in query:
        return ()
    fields = tuple(query[name].split(","))
    if "" in fields or len(set(fields)) != len(fields):
        raise InvalidRequest(f"Parameter {name} is a list of different field names, parted by commas.")
    return fields


def asked_since(route: Route, query: Mapping[str, str]) -> str | None:
    """The oldest day asked for (`YYYY-MM-DD`), None when the caller names none."""
    name = route.entry.since_parameter
    if name is None or name not in query:
        return None
    found = _DAY.match(query[name])
    if found is None:
        raise InvalidRequest(f"Parameter {name} is a date such as 2026-01-31.")
    return found[1]
