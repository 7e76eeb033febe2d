"""gzip is unpacked in small pieces, and only whole."""

import gzip

import pytest

from grantline.gateway.minimiser import Unfilterable
from grantline.gateway.minimiser.gunzip import Gunzip

BOMB = gzip.compress(b"0" * 50_000_000)


def test_many_bytes_come_out_of_few_only_as_fast_as_they_are_taken() -> None:
    pieces = Gunzip().pieces(BOMB)
    taken = [len(next(pieces)) for _ in range(10)]
    assert max(taken) <= 65_536


def test_data_in_any_pieces_gives_the_same() -> None:
    packed = gzip.compress(bytes(range(256)) * 1_000)
    unpack = Gunzip()
    out = b"".join(piece for at in range(len(packed)) for piece in unpack.pieces(packed[at : at + 1]))
    unpack.finish()
    assert out == bytes(range(256)) * 1_000


@pytest.mark.parametrize("tail", [b"x", gzip.compress(b"again")], ids=["a byte", "another member"])
@pytest.mark.parametrize("apart", [True, False])
def test_nothing_may_follow(tail: bytes, apart: bool) -> None:
    packed = gzip.compress(b"data")
    unpack = Gunzip()
    came = (packed, tail) if apart else (packed + tail,)
    with pytest.raises(Unfilterable):
        [list(unpack.pieces(data)) for data in came]


def test_an_end_that_never_came_is_told() -> None:
    unpack = Gunzip()
    list(unpack.pieces(gzip.compress(b"data")[:-1]))
    with pytest.raises(Unfilterable):
        unpack.finish()


def test_other_data_is_refused() -> None:
    with pytest.raises(Unfilterable):
        list(Gunzip().pieces(b'{"id":1}'))
