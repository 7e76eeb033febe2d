"""What upstreams answer: heads, JSON, NDJSON, gzip. Nothing leaves that the filter does not name."""

import json
import zlib

from grantline.gateway.minimiser.body import Body
from grantline.gateway.minimiser.cut import Cutter
from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.gunzip import Gunzip
from grantline.gateway.minimiser.heads import Form, Head, read_head
from grantline.gateway.minimiser.requests import filterable, has_body
from grantline.gateway.minimiser.settings import Settings
from grantline.model.decision import FieldFilter, RecordRule
from tests.fuzz.target import refused, target

BOUNDS = Settings(max_body_bytes=65_536, max_line_bytes=4_096)
RULES = (RecordRule(("account",), allowed=frozenset({"a-1"})), RecordRule(("day",), since="2026-01-01"))
FILTER = FieldFilter(("items",), (("id",), ("amount", "value")), ("next",), RULES)


def _bare(form: Form, *, packed: bool = False) -> Head:
    return Head(200, form, (), None, packed)


def _cut(head: Head, data: bytes, size: int) -> bytes:
    body = Body(head, Cutter(FILTER), BOUNDS)
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(kept for piece in pieces for kept in body.feed(piece)) + body.finish()


def _names_only(kept: object, allowed: set[str]) -> None:
    if isinstance(kept, list):
        for one in kept:
            _names_only(one, allowed)
    elif isinstance(kept, dict):
        assert set(kept) <= allowed, f"{set(kept)} left"


@target
def json_answer(data: bytes) -> None:
    """A document in any pieces: only named members leave, and what left is cut no further."""
    with refused(Unfilterable):
        kept = _cut(_bare(Form.JSON), data, 7)
        assert kept == _cut(_bare(Form.JSON), data, 4_096)
        _names_only(json.loads(kept), {"items", "next"})
        for page in _listed(json.loads(kept)):
            _names_only(page.get("items"), {"id", "amount"})


def _listed(kept: object) -> list[dict[str, object]]:
    return [one for one in (kept if isinstance(kept, list) else [kept]) if isinstance(one, dict)]


@target
def ndjson_answer(data: bytes) -> None:
    """Lines in any pieces."""
    with refused(Unfilterable):
        kept = _cut(_bare(Form.NDJSON), data, 5)
        for line in kept.splitlines():
            _names_only(json.loads(line), {"id", "amount"})


@target
def gzip_answer(data: bytes) -> None:
    """Packed bytes: a little at a time, and never more than the bound."""
    with refused(Unfilterable):
        assert len(_cut(_bare(Form.NDJSON, packed=True), data, 11)) <= BOUNDS.max_body_bytes
    packer = zlib.compressobj(wbits=31)
    whole, unpacked = packer.compress(data) + packer.flush(), Gunzip()
    assert b"".join(unpacked.pieces(whole)) == data
    unpacked.finish()


def _headers(data: bytes) -> list[tuple[bytes, bytes]]:
    """Lines of `name: value` as header fields, which hold no line break."""
    pairs = (line.partition(b":") for line in data.replace(b"\r", b"").split(b"\n"))
    return [(name.strip(), value) for name, _, value in pairs]


@target
def answer_head(data: bytes) -> None:
    """Status in the first line, then headers: what passes is of few names."""
    first, _, rest = data.partition(b"\n")
    status = int(first) if first.isdigit() and len(first) == 3 else 200
    with refused(Unfilterable):
        head = read_head("GET", status, _headers(rest))
        assert {name for name, _ in head.headers} <= {b"content-type", b"cache-control", b"retry-after"}
        assert head.length is None or head.length >= 0


@target
def filtered_request(data: bytes) -> None:
    """Headers on their way to the upstream: no credentials, nothing that looks like ours."""
    headers = [(name.lower(), value) for name, value in _headers(data)]
    has_body(headers)
    names = {name for name, _ in filterable(headers)}
    assert not names & {b"authorization", b"dpop", b"cookie", b"range", b"connection"}
    assert not any(name.startswith(b"x-grantline-") for name in names)
