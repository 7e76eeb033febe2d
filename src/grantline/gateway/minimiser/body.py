"""Takes an upstream's body in whatever pieces it comes and gives what may pass. No input or output of its own."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from grantline.gateway.minimiser.cut import Cutter
from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.gunzip import Gunzip
from grantline.gateway.minimiser.heads import Form, Head
from grantline.gateway.minimiser.settings import Settings


class _Text(Protocol):
    def feed(self, piece: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Body:
    """The body of one answer. What `feed` and `finish` give may go to the client; both may raise `Unfilterable`."""

    __slots__ = ("_gunzip", "_left", "_text")

    def __init__(self, head: Head, cutter: Cutter, bounds: Settings) -> None:
        self._text: _Text = (
            _Document(cutter, bounds.max_body_bytes)
            if head.form is Form.JSON
            else _Lines(cutter, bounds.max_line_bytes)
        )
        self._gunzip = Gunzip() if head.packed else None
        self._left = head.length
        if head.form is Form.JSON and head.length is not None and head.length > bounds.max_body_bytes:
            raise Unfilterable(f"the answer is larger than {bounds.max_body_bytes} bytes")

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes as they came over the wire; little by little, since few packed bytes can mean many."""
        if self._left is not None:
            self._left -= len(data)
        pieces: Iterable[bytes] = self._gunzip.pieces(data) if self._gunzip else (data,)
        return map(self._text.feed, pieces)

    def finish(self) -> bytes:
        """Told that the upstream is done; what it sent must be all that it announced."""
        if self._left:
            raise Unfilterable("the answer is not as long as announced")
        if self._gunzip:
            self._gunzip.finish()
        return self._text.finish()


class _Document:
    """A JSON text can be cut only when it is whole: a later member of the same name would replace an earlier one."""

    def __init__(self, cutter: Cutter, most: int) -> None:
        self._cutter, self._most, self._held = cutter, most, bytearray()

    def feed(self, piece: bytes) -> bytes:
        if len(self._held) + len(piece) > self._most:
            raise Unfilterable(f"the answer is larger than {self._most} bytes")
        self._held += piece
        return b""

    def finish(self) -> bytes:
        return self._cutter.document(bytes(self._held))


class _Lines:
    """NDJSON: each line is a JSON text of its own and may go as soon as it is whole."""

    def __init__(self, cutter: Cutter, most: int) -> None:
        self._cutter, self._most, self._held = cutter, most, b""

    def feed(self, piece: bytes) -> bytes:
        *lines, self._held = (self._held + piece).split(b"\n")
        if len(self._held) > self._most or any(len(line) > self._most for line in lines):
            raise Unfilterable(f"a line is longer than {self._most} bytes")
        return b"".join(map(self._cut, lines))

    def finish(self) -> bytes:
        return self._cut(self._held)

    def _cut(self, line: bytes) -> bytes:
        kept = self._cutter.line(line) if line.strip() else b""
        return kept + b"\n" if kept else b""
