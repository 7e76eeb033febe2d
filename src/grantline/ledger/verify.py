"""Reads a whole log again and says whether it is what was signed; if not, which file and entry is the first wrong one.

Works on an export with nothing but the log's key, and on a data directory, where the stored rows are read as well.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import orjson

from grantline.crypto.cosignature import cosigned
from grantline.crypto.merkle import Frontier, leaf_hash
from grantline.crypto.note import Checkpoint, InvalidNote, VerifierKey, open_checkpoint
from grantline.crypto.tiles import ENTRIES, WIDTH, Tile, hashes, tile_root, tiles, unbundle
from grantline.ledger.accounts import LEDGER
from grantline.ledger.files import write_synced
from grantline.ledger.published import MissingTile, Published
from grantline.ledger.witness.policy import Policy
from grantline.model.events import EventType

PRUNED = EventType.LOG_PRUNED.encode()
Take = Callable[[int, bytes], None]
"""Index and bytes of an entry that was read."""


class Rows(Protocol):
    """The stored leaves, where the verifier may read them."""

    def bodies(self, start: int, end: int) -> list[bytes]:
        """Leaves [start, end)."""
        ...


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What this verifier saw last: its own memory, against a log that was shortened or forked. `root` is base64."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `problem` names file and fault; `index`: the first entry in doubt, where that can be said.

    `missing`: data that the checkpoint promises is not there, as opposed to there and wrong.
    `minimum`: entries below it were pruned, which the log itself tells; of those the hashes were checked.
    """

    ok: bool
    size: int
    root: str
    problem: str | None = None
    index: int | None = None
    missing: bool = False
    minimum: int = 0


class Broken(Exception):
    """The first thing that does not fit."""

    def __init__(self, problem: str, index: int | None = None, *, missing: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.index, self.missing = problem, index, missing


def verify(
    published: Published,
    *,
    rows: Rows | None = None,
    vkey: str | None = None,
    state: Path | None = None,
    policy: Policy | None = None,
    since: str | None = None,
    take: Take | None = None,
) -> Report:
    """Check everything below the published checkpoint.

    `vkey`: the log's key from a source one trusts; without it, the key published beside the log.
    `state`: a file of this verifier's own; the log must continue what it says, and it is renewed on success.
    `policy`: witnesses that have to have seen it; then the newest checkpoint that was witnessed is the one checked.
    `since`: a checkpoint of this log that one holds; the log must continue it, and of what it covers only hashes are
    read. `take`: is told of every entry, in order; then all of them are read.
    """
    checkpoint = Checkpoint("", 0, b"")
    try:
        checkpoint = _checkpoint(published, vkey, policy)
        held = _held(since, vkey or published.vkey() or "")
        minimum = min(published.minimum(), checkpoint.size)
        read_from = minimum if minimum or held is None or take is not None else held.size
        known = [each for each in (_seen(state), held) if each is not None]
        told: set[int] = set()
        _follow(checkpoint, _Log(published, checkpoint.size, rows, take, read_from, told), known)
        if minimum and minimum not in told:
            raise Broken(
                f"entries below {minimum} are not there, and no entry tells that they were pruned", missing=True
            )
    except Broken as broken:
        root = base64.b64encode(checkpoint.root).decode()
        return Report(False, checkpoint.size, root, broken.problem, broken.index, broken.missing)
    root = base64.b64encode(checkpoint.root).decode()
    if state is not None:
        write_synced(state, msgspec.json.encode(Seen(origin=checkpoint.origin, size=checkpoint.size, root=root)))
    return Report(True, checkpoint.size, root, minimum=minimum)


def _checkpoint(published: Published, vkey: str | None, policy: Policy | None) -> Checkpoint:
    newest = published.checkpoint()
    note, key = (newest if policy is None else published.witnessed() or newest), vkey or published.vkey()
    if note is None or key is None:
        raise Broken("checkpoint: there is none, or no key to check it with", missing=True)
    try:
        checkpoint = open_checkpoint(note, VerifierKey.parse(key))
        if policy is not None and not policy.met(cosigned(note, policy.keys)):
            raise Broken("witnesses: not enough of the policy's saw this checkpoint")
    except InvalidNote as error:
        raise Broken(f"checkpoint: {error}") from error
    return checkpoint


class Fork(Exception):
    """One log signed two roots for one size. The two notes prove it to anybody who knows its key."""


def compare(one: str, other: str, vkey: str) -> tuple[Checkpoint, Checkpoint]:
    """Two checkpoints of one log. Raises `Fork`, or `InvalidNote` if one of them is not signed by it.

    Different sizes say nothing yet: an export verified with the smaller one as state tells whether it is a prefix.
    """
    key = VerifierKey.parse(vkey)
    first, second = open_checkpoint(one, key), open_checkpoint(other, key)
    if first.size == second.size and first.root != second.root:
        raise Fork(f"{key.name} signed two roots for {first.size} entries")
    return first, second


def _seen(state: Path | None) -> Seen | None:
    if state is None or not state.exists():
        return None
    try:
        return msgspec.json.decode(state.read_bytes(), type=Seen)
    except msgspec.DecodeError as error:
        raise Broken(f"{state}: not a verifier's state file") from error


def _held(since: str | None, vkey: str) -> Seen | None:
    """What a checkpoint that one holds says was seen."""
    if since is None:
        return None
    try:
        held = open_checkpoint(since, VerifierKey.parse(vkey))
    except InvalidNote as error:
        raise Broken(f"the checkpoint to start from: {error}") from error
    return Seen(origin=held.origin, size=held.size, root=base64.b64encode(held.root).decode())


@dataclass(frozen=True, slots=True)
class _Log:
    """What is read, and how: entries from `read_from` on, of those before it the hashes alone.

    `pruned`: minimum indexes that entries tell of.
    """

    published: Published
    size: int
    rows: Rows | None
    take: Take | None
    read_from: int
    pruned: set[int]


def _follow(checkpoint: Checkpoint, log: _Log, known: Sequence[Seen]) -> None:
    for seen in known:
        _require_no_rollback(checkpoint, seen)
    frontier = Frontier()
    for leaf in _leaves(log):
        _require_seen(frontier, known)
        frontier.append(leaf)
    _require_seen(frontier, known)
    _require_upper_tiles(log.published, checkpoint.size)
    if frontier.root() != checkpoint.root:
        raise Broken("checkpoint: the entries do not lead to the signed root")


def _require_no_rollback(checkpoint: Checkpoint, seen: Seen) -> None:
    if seen.origin != checkpoint.origin:
        raise Broken(f"checkpoint: of {checkpoint.origin!r}, but {seen.origin!r} was seen before")
    if seen.size > checkpoint.size:
        raise Broken(
            f"rollback: {seen.size} entries were seen before, now there are {checkpoint.size}", checkpoint.size
        )


def _require_seen(frontier: Frontier, known: Sequence[Seen]) -> None:
    for seen in known:
        if frontier.size == seen.size and base64.b64encode(frontier.root()).decode() != seen.root:
            raise Broken(f"fork: the first {seen.size} entries are not those seen before")


def _leaves(log: _Log) -> Iterator[bytes]:
    """Leaf hashes in order; those of entries that are read are checked."""
    for tile in tiles(log.size):
        if tile.level != ENTRIES:
            return
        said = _hashes(log.published, tile._replace(level=0))
        if tile.n * WIDTH + tile.width > log.read_from:
            _require_entries(log, tile, said)
        yield from said


def _require_entries(log: _Log, tile: Tile, said: list[bytes]) -> None:
    """Entries are what their tile says and, where they can be read, what the stored rows say."""
    start = tile.n * WIDTH
    stored = None if log.rows is None else log.rows.bodies(start, start + tile.width)
    for at, (body, told) in enumerate(zip(_bundle(log.published, tile), said, strict=True)):
        leaf = leaf_hash(body)
        if stored is not None:
            _require_row(start + at, stored, at, leaf, told)
        if leaf != told:
            raise Broken(f"{tile.path}: entry {start + at} is not what tile/0 says", start + at)
        if PRUNED in body:
            log.pruned.update(_minimum(body))
        if log.take is not None:
            log.take(start + at, body)


def _minimum(body: bytes) -> Iterator[int]:
    """The minimum index that an entry of the ledger's own tells of, if it does."""
    leaf = orjson.loads(body)
    if leaf.get("type") == EventType.LOG_PRUNED and leaf.get("prod") == LEDGER:
        yield leaf["min"]


def _require_row(index: int, stored: Sequence[bytes], at: int, leaf: bytes, told: bytes) -> None:
    if at >= len(stored):
        raise Broken(f"ledger.db: entry {index} is missing", index, missing=True)
    found = leaf_hash(stored[at])
    if found == leaf == told:
        return
    if found == told:
        raise Broken(f"tile/entries: entry {index} was changed in its bundle", index)
    if found == leaf:
        raise Broken(f"tile/0: the hash of entry {index} was changed, or the entry in both its places", index)
    raise Broken(f"ledger.db: entry {index} was changed", index)


def _require_upper_tiles(published: Published, size: int) -> None:
    for tile in tiles(size):
        if tile.level < 1:
            continue
        for at, told in enumerate(_hashes(published, tile)):
            below = Tile(tile.level - 1, tile.n * WIDTH + at)
            if tile_root(_hashes(published, below)) != told:
                raise Broken(f"{below.path} does not lead to {tile.path}", below.n * WIDTH ** (below.level + 1))


def _bundle(published: Published, tile: Tile) -> list[bytes]:
    try:
        entries = unbundle(published.tile(tile))
    except MissingTile as error:
        raise Broken(f"{error}: missing", tile.n * WIDTH, missing=True) from error
    except ValueError as error:
        raise Broken(f"{tile.path}: {error}", tile.n * WIDTH) from error
    if len(entries) != tile.width:
        raise Broken(f"{tile.path}: {len(entries)} entries where {tile.width} are needed", tile.n * WIDTH)
    return entries


def _hashes(published: Published, tile: Tile) -> list[bytes]:
    first = tile.n * WIDTH ** (tile.level + 1)
    try:
        row = hashes(published.tile(tile))
    except MissingTile as error:
        raise Broken(f"{error}: missing", first, missing=True) from error
    except ValueError as error:
        raise Broken(f"{tile.path}: {error}", first) from error
    if len(row) != tile.width:
        raise Broken(f"{tile.path}: {len(row)} hashes where {tile.width} are needed", first)
    return row
