"""How a tree is laid out in files anyone can fetch (C2SP tlog-tiles): paths, widths, bundles."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from grantline.crypto.merkle import HASH_SIZE, Subtree, node_hash

WIDTH = 256
HEIGHT = 8
ENTRIES = -1
"""The level under which bundles of entries stand beside the tiles of hashes."""


class Tile(NamedTuple):
    """Hashes [n · 256, n · 256 + width) of one level; level `ENTRIES` is the bundle of those entries themselves."""

    level: int
    n: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """`tile/<level>/<n in groups of three>[.p/<width>]`."""
        groups = [f"{self.n % 1000:03d}"]
        rest = self.n // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level == ENTRIES else self.level}/{'/'.join(groups)}{partial}"


def tiles(size: int) -> Iterator[Tile]:
    """All tiles and bundles of a tree of this size."""
    return changed(0, size)


def changed(old: int, new: int) -> Iterator[Tile]:
    """The tiles and bundles that a tree of `new` has and the same tree at `old` had not. Lower levels come first."""
    for level in (ENTRIES, *range(64 // HEIGHT)):
        shift = HEIGHT * max(level, 0)
        before, after = old >> shift, new >> shift
        if after == before:
            continue
        for n in range(before // WIDTH, -(-after // WIDTH)):
            yield Tile(level, n, min(WIDTH, after - n * WIDTH))


def bundle(entries: Sequence[bytes]) -> bytes:
    """Each entry behind its length (two bytes, big-endian)."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; a cut one is a ValueError."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            raise ValueError("the bundle is cut short")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile; a cut one is a ValueError."""
    if len(data) % HASH_SIZE:
        raise ValueError("the tile is cut short")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def tile_root(row: Sequence[bytes]) -> bytes:
    """The root over 2^k hashes: what a full tile contributes to the level above."""
    level = list(row)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def subtrees(size: int, read: Callable[[Tile], bytes]) -> Subtree:
    """Complete subtrees of the tree of this size, from its tiles."""

    @functools.lru_cache(maxsize=64)
    def row(level: int, n: int) -> list[bytes]:
        return hashes(read(Tile(level, n, min(WIDTH, (size >> HEIGHT * level) - n * WIDTH))))

    def subtree(level: int, index: int) -> bytes:
        tile_level, inside = divmod(level, HEIGHT)
        first = index << inside
        n, offset = divmod(first, WIDTH)
        return tile_root(row(tile_level, n)[offset : offset + (1 << inside)])

    return subtree
