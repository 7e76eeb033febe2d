"""Unpacks gzip that an upstream sends although none was asked for, in small pieces, so that a bomb costs little."""

import zlib
from collections.abc import Iterator

from grantline.gateway.minimiser.errors import Unfilterable

_PIECE = 65_536


class Gunzip:
    """One gzip member (RFC 1952). Anything broken, cut short or after its end raises `Unfilterable`."""

    __slots__ = ("_unpack",)

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(wbits=31)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` unpacks to, at most 64 KiB at a time; the taker may stop whenever it has had enough."""
        try:
            while data and not self._unpack.eof:
                piece = self._unpack.decompress(data, _PIECE)
                data = self._unpack.unconsumed_tail
                yield piece
        except zlib.error as error:
            raise Unfilterable("the gzip data is broken") from error
        if data or self._unpack.unused_data:
            raise Unfilterable("something follows the gzip data")

    def finish(self) -> None:
        """Told that no more comes; raises unless the member is complete."""
        if not self._unpack.eof:
            raise Unfilterable("the gzip data was cut short")
