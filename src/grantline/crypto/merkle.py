"""The append-only tree of RFC 6962 §2.1 (= RFC 9162 §2.1): hashes, frontier, proofs, and their verification.

Knows no storage: whoever asks for a proof hands in `Subtree`, which gives the root of any complete subtree.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_SIZE = 32

Subtree = Callable[[int, int], bytes]
"""`subtree(level, index)`: the hash over leaves [index · 2^level, (index + 1) · 2^level)."""


class InvalidProof(Exception):
    """The proof does not lead from what is known to what is claimed. The message is for operators."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The tree's right edge: the roots of its complete subtrees, largest first. Enough to append and to give the root.

    At size n it holds one hash for each one-bit of n, so at most 63 hashes are ever kept.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self._size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count() or any(len(each) != HASH_SIZE for each in self._hashes):
            raise ValueError(f"not the frontier of a tree of {size}")

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash. Costs one node hash for each trailing one-bit of the old size."""
        size, hashes = self._size, self._hashes
        while size & 1:
            leaf = node_hash(hashes.pop(), leaf)
            size >>= 1
        hashes.append(leaf)
        self._size += 1

    def root(self) -> bytes:
        """The tree head; SHA-256 of nothing when empty."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> "Frontier":
        """An independent frontier of the same tree."""
        return Frontier(self._size, self._hashes)

    def to_bytes(self) -> bytes:
        """The hashes one after the other; the size is kept beside them."""
        return b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """Read what `to_bytes` gave; a length that does not fit the size is a ValueError."""
        if len(data) % HASH_SIZE:
            raise ValueError("not a row of hashes")
        return cls(size, (data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """MTH over leaves [start, end) of RFC 6962 §2.1, where `start` is a multiple of the range's own power of two."""
    if start == end:
        return EMPTY_ROOT
    length = end - start
    level = length.bit_length() - 1
    if length == 1 << level:
        return subtree(level, start >> level)
    middle = start + _split(length)
    return node_hash(range_root(start, middle, subtree), range_root(middle, end, subtree))


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    return _path(index, 0, size, subtree)


def _path(index: int, start: int, end: int, subtree: Subtree) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, subtree), range_root(middle, end, subtree)]
    return [*_path(index, middle, end, subtree), range_root(start, middle, subtree)]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2; empty when there is nothing to prove (old is 0 or new)."""
    if not 0 <= old <= new:
        raise ValueError(f"no proof from {old} to {new}")
    if old in (0, new):
        return []
    return _subproof(old, 0, new, True, subtree)


def _subproof(old: int, start: int, end: int, known: bool, subtree: Subtree) -> list[bytes]:
    if old == end:
        return [] if known else [range_root(start, end, subtree)]
    middle = start + _split(end - start)
    if old <= middle:
        return [*_subproof(old, start, middle, known, subtree), range_root(middle, end, subtree)]
    return [*_subproof(old, middle, end, False, subtree), range_root(start, middle, subtree)]


def _split(length: int) -> int:
    """The largest power of two below `length`."""
    return 1 << (length - 1).bit_length() - 1


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2. Raises `InvalidProof`; a proof that is too long or too short is refused too."""
    if not 0 <= index < size:
        raise InvalidProof(f"no leaf {index} in a tree of {size}")
    fn, sn, found = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise InvalidProof("the proof is too long")
        if fn & 1 or fn == sn:
            found = node_hash(sibling, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise InvalidProof("the proof is too short")
    if found != root:
        raise InvalidProof("the leaf does not lead to the root")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 §2.1.4.2, with its trivial cases: an empty tree is a prefix of any, a tree is a prefix of itself."""
    if not 0 <= old <= new:
        raise InvalidProof(f"a tree of {new} cannot continue one of {old}")
    if old in (0, new):
        if proof or old_root != (EMPTY_ROOT if old == 0 else new_root):
            raise InvalidProof("the roots differ")
        return
    path = list(proof) if old & old - 1 else [old_root, *proof]
    if not path:
        raise InvalidProof("the proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise InvalidProof("the proof is too long")
        if fn & 1 or fn == sn:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise InvalidProof("the proof is too short")
    if first != old_root or second != new_root:
        raise InvalidProof("the old tree is not a prefix of the new one")
