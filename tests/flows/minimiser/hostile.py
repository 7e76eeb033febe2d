"""What a hostile or broken upstream may answer, as bytes on the wire and as an ASGI application."""

import asyncio
import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from grantline.gateway.minimiser import Settings
from grantline.model.decision import FieldFilter, RecordRule

MARKER = "m4rker"
MARK = MARKER.encode()
BOUNDS = Settings(
    max_body_bytes=65_536,
    max_line_bytes=4_096,
    connections=8,
    connect_timeout_s=1.0,
    read_timeout_s=1.0,
    total_timeout_s=5.0,
)
OBLIGATION = FieldFilter(
    records=("items",),
    fields=(("id",), ("owner", "name")),
    envelope=("next",),
    rules=(RecordRule(path=("id",), allowed=frozenset({"1", "2"})),),
)
_M = MARKER
_RECORD: dict[str, Any] = {"x": _M, "id": 1, "owner": {"name": "A", "iban": _M, "more": [{"name": _M}]}, _M: [[_M]]}
GOOD = json.dumps(
    {"total": _M, "items": [_RECORD, {"id": 3, "owner": {"name": _M}}, {"x": _M}], "next": "p2", "items2": [_RECORD]}
).encode()
CUT = b'{"items":[{"id":1,"owner":{"name":"A"}}],"next":"p2"}'
LINE = json.dumps(_RECORD).encode()
CUT_LINE = b'{"id":1,"owner":{"name":"A"}}\n'

JSON = (("content-type", "application/json"),)
NDJSON = (("content-type", "application/x-ndjson"),)
# Every answer also carries what must never pass in its head.
LEAKS = (
    ("etag", f'"{MARKER}"'),
    ("last-modified", MARKER),
    ("digest", f"sha-256={MARKER}"),
    ("content-md5", MARKER),
    ("content-digest", f"sha-256=:{MARKER}:"),
    ("link", f'</next?{MARKER}>; rel="next"'),
    ("set-cookie", f"a={MARKER}"),
    ("content-disposition", f'attachment; filename="{MARKER}"'),
    ("x-total", MARKER),
    ("server-timing", f'db;desc="{MARKER}"'),
    ("www-authenticate", f'Basic realm="{MARKER}"'),
    ("location", f"/{MARKER}"),
    ("cache-control", f"public, max-age=9, {MARKER}"),
    ("x-grantline-evaluation", MARKER),
    ("retry-after", MARKER),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer, and what the client must get: `gives` None is a problem document with `told` as its status.

    `framing`: how the wire tells the end. `short`: bytes missing at the end of what was announced.
    `breaks`: the client may instead see a broken connection. `wire`: cannot be said in ASGI.
    """

    name: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = JSON
    body: bytes = GOOD
    framing: str = "length"
    short: int = 0
    told: int = 502
    gives: bytes | None = None
    breaks: bool = False
    wire: bool = False
    piece: int = 65_536

    @property
    def pieces(self) -> list[bytes]:
        """The body as it is sent, without what is missing."""
        body = self.body[: len(self.body) - self.short]
        return [body[at : at + self.piece] for at in range(0, len(body), self.piece)]


def good(name: str, **parts: Any) -> Case:
    return Case(name=name, **{"told": 200, "gives": CUT, **parts})


def bad(name: str, **parts: Any) -> Case:
    return Case(name=name, **parts)


def coded(coding: str) -> tuple[tuple[str, str], ...]:
    return (*JSON, ("content-encoding", coding))


def typed(*media: str) -> tuple[tuple[str, str], ...]:
    return tuple(("content-type", each) for each in media)


_GZIP = gzip.compress(GOOD)
_BOMB = gzip.compress(b'{"items":[' + b'{"x":"' + MARK + b'"},' * 500_000 + b"{}]}")
_LATE = LINE + b"\n" + b'{"id":1,"owner":"' + MARK + b'"}\n' + LINE + b"\n"
_TWICE = (
    b'{"items":[{"id":1,"owner":{"name":"m4rker"}}],"next":"m4rker",'
    b'"items":[{"id":3,"id":1,"owner":{"name":"m4rker"},"owner":{"name":"m4rker","name":"A"}}],"next":"p2"}'
)

PASSING = (
    good("plain"),
    good("chunked", framing="chunked"),
    good("chunked_by_bytes", framing="chunked", piece=1),
    good("close_delimited", framing="close"),
    good("charset", headers=typed("Application/JSON; charset=UTF-8")),
    good("gzip", headers=coded("gzip"), body=_GZIP),
    good("gzip_chunked", headers=coded("x-gzip"), body=_GZIP, framing="chunked", piece=7),
    good("created", status=201, told=201),
    good("duplicate_keys", body=_TWICE),
    good("nested_arrays", body=b'{"items":[{"id":1,"owner":[{"name":"A","iban":"m4rker"},{"x":[{"name":"m4rker"}]}]}]}',
         gives=b'{"items":[{"id":1,"owner":[{"name":"A"},{}]}]}'),
    good("exact_numbers", body=b'{"items":[{"id":1,"owner":{"name":12345678901234567890.10}}]}',
         gives=b'{"items":[{"id":1,"owner":{"name":12345678901234567890.10}}]}'),
    good("all_of_others", body=b'{"items":[{"id":3,"x":"m4rker"}]}', gives=b'{"items":[]}'),
    good("ndjson", headers=NDJSON, body=LINE + b"\n\n" + LINE + b"\r\n" + b'{"id":3,"x":"m4rker"}\n' + LINE,
         gives=CUT_LINE * 3, framing="chunked", piece=5),
    good("ndjson_gzip", headers=(*NDJSON, ("content-encoding", "gzip")), body=gzip.compress(LINE + b"\n"),
         gives=CUT_LINE),
    good("no_content", status=204, body=b"", told=204, gives=b"", framing="none"),
    good("early_hints", framing="hints", wire=True),
    good("trailers", framing="trailers", wire=True),
)  # fmt: skip

REFUSED = (
    bad("deflate", headers=coded("deflate"), body=zlib.compress(GOOD)),
    bad("brotli", headers=coded("br"), body=MARK),
    bad("unknown_coding", headers=coded("x-odd")),
    bad("twice_gzip", headers=coded("gzip, gzip"), body=gzip.compress(_GZIP)),
    bad("gzip_that_is_not", headers=coded("gzip")),
    bad("not_gzip_that_is", body=_GZIP),
    bad("gzip_cut_short", headers=coded("gzip"), body=_GZIP[:-9]),
    bad("gzip_then_more", headers=coded("gzip"), body=_GZIP + MARK),
    bad("gzip_two_members", headers=coded("gzip"), body=_GZIP + _GZIP),
    bad("gzip_bomb", headers=coded("gzip"), body=_BOMB),
    bad("partial", status=206, headers=(*JSON, ("content-range", f"bytes 0-9/{MARKER}"))),
    bad("multipart", status=206, headers=typed(f"multipart/byteranges; boundary={MARKER}")),
    bad("not_modified", status=304, body=b"", framing="none"),
    bad("redirect", status=302),
    bad("multi_status", status=207),
    bad("im_used", status=226),
    bad("text", headers=typed("text/plain")),
    bad("html", headers=typed("text/html"), body=b"<b>m4rker</b>"),
    bad("xml", headers=typed("application/xml")),
    bad("json_sequence", headers=typed("application/json-seq")),
    bad("no_type", headers=()),
    bad("two_types", headers=typed("application/json", "text/html")),
    bad("two_types_in_one", headers=typed("application/json, text/html")),
    bad("charset_utf16", headers=typed("application/json; charset=utf-16"), body=GOOD.decode().encode("utf-16")),
    bad("charset_latin1", headers=typed("application/json; charset=iso-8859-1")),
    bad("utf16_unsaid", body=GOOD.decode().encode("utf-16")),
    bad("bom", body=b"\xef\xbb\xbf" + GOOD),
    bad("broken_utf8", body=b'{"items":[],"x":"\xff\xfe' + MARK + b'"}'),
    bad("trailing_bytes", body=GOOD + b" <script>m4rker</script>"),
    bad("two_documents", body=GOOD + GOOD),
    bad("html_as_json", body=b"<html>m4rker</html>"),
    bad("scalar", body=b'"m4rker"'),
    bad("scalar_twice", body=b'{"items":"m4rker","items":[]}'),
    bad("empty", body=b""),
    bad("deep", body=b'{"x":"m4rker","items":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    bad("over_large", body=GOOD + b" " * 70_000),
    bad("over_large_chunked", body=GOOD + b" " * 70_000, framing="chunked"),
    bad("cut_short", short=20),
    bad("cut_short_after_whole_json", body=GOOD + b" " * 20, short=20),
    bad("cut_short_chunked", short=20, framing="chunked"),
    bad("cut_short_closing", short=20, framing="close"),
    bad("ndjson_bad_first", headers=NDJSON, body=b"[m4rker\n" + LINE),
    bad("ndjson_bad_later", headers=NDJSON, body=_LATE, framing="chunked", piece=400, breaks=True),
    bad("ndjson_cut_short", headers=NDJSON, body=(LINE + b"\n") * 3, short=30, breaks=True),
    bad("ndjson_long_line", headers=NDJSON, body=b'{"id":1,"x":"' + MARK * 1_000 + b'"}\n'),
    bad("lines_as_json", body=LINE + b"\n" + LINE),
    bad("json_error", status=500, told=500),
    bad("html_error", status=500, headers=typed("text/html"), body=b"<b>m4rker</b>", told=500),
    bad("not_found", status=404, headers=typed("text/plain"), body=MARK, told=404),
    bad("own_401", status=401, headers=typed("text/plain"), body=MARK, told=502),
    bad("endless_error", status=503, body=MARK * 50_000, framing="chunked", told=503),
)  # fmt: skip

CASES = PASSING + REFUSED
BY_NAME = {case.name: case for case in CASES}


class Upstream:
    """A raw server on a free port: answers `/case/<name>` byte by byte as the case says; keeps request heads."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def __aenter__(self) -> "Upstream":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            self.bodies.append(await _request_body(head, reader))
            method, path = head.split(b" ", 2)[:2]
            case = BY_NAME[path.decode().split("?")[0].rsplit("/", 1)[1]]
            for part in _on_the_wire(case, method == b"HEAD"):
                writer.write(part)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _request_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    lower = head.lower()
    if b"content-length:" in lower:
        return await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
    body = b""
    while b"transfer-encoding: chunked" in lower:
        size = int(await reader.readline(), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            break
    return body


def _on_the_wire(case: Case, head_only: bool) -> list[bytes]:
    framing = {
        "length": [("content-length", str(len(case.body)))],
        "hints": [("content-length", str(len(case.body)))],
        "chunked": [("transfer-encoding", "chunked")],
        "trailers": [("transfer-encoding", "chunked"), ("trailer", "x-sum")],
        "close": [],
        "none": [],
    }[case.framing]
    headers = [*case.headers, *LEAKS, *framing, ("connection", "close")]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    early = f"HTTP/1.1 103 Early Hints\r\nlink: </{MARKER}>\r\n\r\n" if case.framing == "hints" else ""
    head = f"{early}HTTP/1.1 {case.status} {MARKER}\r\n{lines}\r\n".encode()
    if head_only or case.framing == "none":
        return [head]
    if case.framing in {"chunked", "trailers"}:
        chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in case.pieces]
        end = b"0\r\nx-sum: m4rker\r\n\r\n" if case.framing == "trailers" else b"0\r\n\r\n"
        return [head, *chunks, *([] if case.short else [end])]
    return [head, *case.pieces]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The same answers as an ASGI application."""
    case = BY_NAME[scope["path"].rsplit("/", 1)[1]]
    length = [("content-length", str(len(case.body)))] if case.framing == "length" else []
    headers = [(name.encode(), value.encode()) for name, value in (*case.headers, *LEAKS, *length)]
    await send({"type": "http.response.start", "status": case.status, "headers": headers})
    for piece in case.pieces if scope["method"] != "HEAD" else []:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if case.short and case.framing == "chunked":
        raise ConnectionError(MARKER)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
