#!/usr/bin/env python3
"""Verify a Grantline log, or one proof from it, with nothing but Python 3.9 and the log's key.

Reads the C2SP formats tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-policy and tlog-proof, so any
other log in these formats too. Shares no code with Grantline, needs no server of it, and trusts nothing that it reads.
Exit codes: 0 verified, 1 refused, 2 wrong usage, 3 data is missing. Run with --help.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

WIDTH, LEVELS = 256, 8
MAX_NOTE, MAX_SIGNATURES, MAX_BUNDLE = 1 << 16, 64, WIDTH * (2 + 65_535)
ED25519, COSIGNATURE = 1, 4
AHEAD_S = 300
"""By how much a witness's clock may run ahead of ours."""
SIGNATURE_LINE = re.compile(r"— (\S+) (\S+)")


class Refused(Exception):
    """What was read is not what was signed, or is not well-formed."""


class Missing(Exception):
    """Something that is needed is not there, which proves neither one nor the other."""


# Ed25519 (RFC 8032 §5.1), verification alone: nothing here is secret, so nothing has to take constant time.

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """The sum in extended coordinates."""
    p, q = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    r, s = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = q - p, s - r, s + r, q + p
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """`number` times the point."""
    total = NEUTRAL
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def same(a: Point, b: Point) -> bool:
    """Whether both are one point."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point(data: bytes) -> Point | None:
    """The point of these 32 bytes; None if there is none, or if it has a shorter spelling."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point(bytes([0x58]) + b"\x66" * 31) or NEUTRAL


def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` over `message` was made with this key. Equation without cofactor, canonical values only."""
    public, half, scalar = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or public is None or half is None or scalar >= ORDER:
        return False
    digest = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return same(times(scalar, BASE), add(half, times(digest, public)))


# Keys, notes, checkpoints


class Key(NamedTuple):
    """A verifier key. `kind`: 1 signs the note's body, 4 cosigns it with a time. `id`: what a signature line names."""

    name: str
    kind: int
    public: bytes
    id: bytes


class Checkpoint(NamedTuple):
    """What a log says of itself."""

    origin: str
    size: int
    root: bytes


def unbase64(text: str) -> bytes:
    """Padded base64 in its one canonical spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("something that should be base64 is not") from None
    if base64.b64encode(data).decode() != text:
        raise Refused("base64 is not in its canonical form")
    return data


def key(text: str, kind: int = ED25519) -> Key:
    """Read `name+id+base64`. A key of small order would accept signatures that nobody made: refused."""
    name, _, rest = text.strip().partition("+")
    identifier, _, encoded = rest.partition("+")
    data = unbase64(encoded)
    found = Key(name, kind, data[1:], hashlib.sha256(name.encode() + b"\n" + data).digest()[:4])
    if not re.fullmatch(r"[^\s+]+", name) or len(data) != 33 or data[0] != kind:
        raise Refused(f"not a key of type {kind}: {text.strip()}")
    if found.id.hex() != identifier:
        raise Refused(f"the id of key {name} does not belong to its name and bytes")
    at = point(found.public)
    if at is None or same(times(8, at), NEUTRAL):
        raise Refused(f"key {name} is no point of large order: it proves nothing")
    return found


def signatures(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Body and signature lines of a note."""
    if len(text) > MAX_NOTE or any(ord(letter) < 32 and letter != "\n" for letter in text):
        raise Refused("the note is too long or holds a control character")
    head, blank, tail = text.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or lines.pop() or not 0 < len(lines) <= MAX_SIGNATURES:
        raise Refused("not a signed note")
    found = []
    for line in lines:
        match = SIGNATURE_LINE.fullmatch(line)
        blob = unbase64(match[2]) if match else b""
        if not match or len(blob) < 5:
            raise Refused("a signature line is malformed")
        found.append((match[1], blob))
    return head + "\n", found


def open_note(text: str, log: Key, witnesses: Sequence[Key] = ()) -> tuple[Checkpoint, dict[str, int]]:
    """The checkpoint that `log` signed, and when (unix seconds) which of these witnesses cosigned it.

    Lines of other keys say nothing; one line of a known key that is wrong spoils the whole note.
    """
    body, lines = signatures(text)
    known = {(one.name, one.id): one for one in (log, *witnesses)}
    by_log, cosigned = False, {}
    for name, blob in lines:
        one = known.get((name, blob[:4]))
        if one is None:
            continue
        message, signature = body.encode(), blob[4:]
        if one.kind == COSIGNATURE:
            moment = int.from_bytes(signature[:8], "big")
            message, signature = b"cosignature/v1\ntime %d\n" % moment + message, signature[8:]
            cosigned[name] = moment
        if not signed(one.public, message, signature):
            raise Refused(f"checkpoint: the signature of {name} does not match")
        by_log = by_log or one is log
    if not by_log:
        raise Refused(f"checkpoint: not signed by {log.name}")
    return parse(body, log), cosigned


def parse(body: str, log: Key) -> Checkpoint:
    """The three lines of a checkpoint, of this log and no other."""
    lines = body.split("\n")
    if len(lines) < 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1], re.ASCII) or len(unbase64(lines[2])) != 32:
        raise Refused("checkpoint: malformed")
    if lines[0] != log.name:
        raise Refused(f"checkpoint: of {lines[0]}, but the key is of {log.name}")
    return Checkpoint(lines[0], int(lines[1]), unbase64(lines[2]))


class Policy:
    """Which witnesses have to have seen a checkpoint (C2SP tlog-policy): lines log, witness, group, quorum."""

    def __init__(self, text: str) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum: str | None = None
        for line in text.splitlines():
            words = [] if line.startswith("#") else line.split()
            if words:
                self._take(words)
        if self.quorum is None:
            raise Refused("policy: it names no quorum")

    def _take(self, words: list[str]) -> None:
        kind, rest = words[0], words[1:]
        known = {**self.witnesses, **self.groups}
        if kind == "log" and len(rest) in (1, 2):
            self.logs.append(key(rest[0]))
        elif kind == "witness" and len(rest) in (2, 3) and rest[0] not in {*known, "none"}:
            self.witnesses[rest[0]] = key(rest[1], COSIGNATURE)
        elif kind == "group" and len(rest) > 2 and rest[0] not in {*known, "none"} and set(rest[2:]) <= set(known):
            wanted = {"any": "1", "all": str(len(rest) - 2)}.get(rest[1], rest[1])
            if not wanted.isdecimal() or not 1 <= int(wanted) <= len(rest) - 2:
                raise Refused("policy: a group wants more members than it has")
            self.groups[rest[0]] = (int(wanted), rest[2:])
        elif kind == "quorum" and len(rest) == 1 and self.quorum is None and rest[0] in {*known, "none"}:
            self.quorum = rest[0]
        else:
            raise Refused(f"policy: cannot read the line {' '.join(words)}")

    def met(self, cosigned: dict[str, int], name: str | None = None) -> bool:
        """Whether these cosignatures (by key name) are enough."""
        name = name or self.quorum or ""
        if name in self.witnesses:
            return self.witnesses[name].name in cosigned
        wanted, members = self.groups.get(name, (0, []))
        return sum(self.met(cosigned, member) for member in members) >= wanted


# The tree (RFC 6962 §2.1) and its files


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node over two."""
    return hashlib.sha256(b"\1" + left + right).digest()


def full_root(row: Sequence[bytes]) -> bytes:
    """The root over 256 hashes."""
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that this path leads to (RFC 9162 §2.1.3.2); a path of any other length is refused."""
    if index >= size:
        raise Refused(f"there is no entry {index} among {size}")
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Refused("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Refused("the proof is too short")
    return found


class Source:
    """The files of a log, below a directory or an address."""

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")

    def read(self, name: str, limit: int) -> bytes:
        """One file, at most `limit` bytes."""
        path = f"{self.place}/{name}"
        try:
            if re.match(r"https?://", path):
                with urllib.request.urlopen(path, timeout=30) as answer:  # noqa: S310 - http or https, as given
                    data: bytes = answer.read(limit + 1)
            else:
                with open(path, "rb") as file:
                    data = file.read(limit + 1)
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise Missing(f"{name}: {getattr(reason, 'strerror', None) or reason}") from None
        if len(data) > limit:
            raise Refused(f"{name}: larger than it may be")
        return data

    def tile(self, level: str, number: int, width: int, limit: int) -> bytes:
        """A tile or bundle; where the partial one is gone the full one stands in for it."""
        name, rest = f"{number % 1000:03d}", number // 1000
        while rest:
            name, rest = f"x{rest % 1000:03d}/{name}", rest // 1000
        path = f"tile/{level}/{name}"
        if width == WIDTH:
            return self.read(path, limit)
        try:
            return self.read(f"{path}.p/{width}", limit)
        except Missing:
            return self.read(path, limit)

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        """The first `width` hashes of one tile."""
        data = self.tile(str(level), number, width, WIDTH * 32)
        if len(data) not in (width * 32, WIDTH * 32):
            raise Refused(f"tile/{level}/{number}: {len(data)} bytes where {width} hashes are needed")
        return [data[at : at + 32] for at in range(0, width * 32, 32)]

    def entries(self, number: int, width: int) -> Iterator[bytes]:
        """The first `width` entries of one bundle."""
        data, at = self.tile("entries", number, width, MAX_BUNDLE), 0
        for _ in range(width):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            if end > len(data) or at + 2 > len(data):
                raise Refused(f"tile/entries/{number}: cut short")
            yield data[at + 2 : end]
            at = end
        if at != len(data) and width == WIDTH:
            raise Refused(f"tile/entries/{number}: there is more in it than {width} entries")


class Tree:
    """The log as far as it was read: for each level the hashes that no full tile holds yet."""

    def __init__(self, source: Source, start: int) -> None:
        self.source, self.size = source, start
        self.rows: list[list[bytes]] = [[] for _ in range(LEVELS)]

    def begin_behind_pruned(self, size: int) -> None:
        """Take what stands for the entries that are gone from the tiles above them; the signed root vouches for it."""
        for level in range(1, LEVELS):
            kept, number = (self.size >> 8 * level) % WIDTH, self.size >> 8 * (level + 1)
            width = min(WIDTH, (size >> 8 * level) - number * WIDTH)
            self.rows[level] = self.source.hashes(level, number, width)[:kept] if kept else []

    def append(self, leaf: bytes) -> None:
        """Take the next entry's hash; each tile that fills up is compared with what is published."""
        self.size += 1
        level, found = 0, leaf
        while True:
            self.rows[level].append(found)
            if len(self.rows[level]) < WIDTH:
                return
            self._require(level, WIDTH)
            found = full_root(self.rows[level])
            self.rows[level], level = [], level + 1

    def end(self) -> None:
        """Compare the partial tiles."""
        for level, row in enumerate(self.rows):
            if row:
                self._require(level, len(row))

    def _require(self, level: int, width: int) -> None:
        number = self.size - 1 >> 8 * (level + 1)
        told = self.source.hashes(level, number, width)
        for at, (mine, theirs) in enumerate(zip(self.rows[level], told)):  # noqa: B905 - Python 3.9
            if mine != theirs:
                first = (number * WIDTH + at) << 8 * level
                raise Refused(f"tile/{level}/{number}: does not fit the entries; the first in doubt is {first}")

    def root(self) -> bytes:
        """The root over everything so far."""
        found: bytes | None = None
        for row in self.rows:
            found = _fold(row, found)
        return hashlib.sha256(b"").digest() if found is None else found


def _fold(row: Sequence[bytes], right: bytes | None) -> bytes | None:
    """The root over a row of equal subtrees with one smaller tree (or none) to their right."""
    stack: list[tuple[int, bytes]] = []
    for one in row:
        height, found = 0, one
        while stack and stack[-1][0] == height:
            height, found = height + 1, node_hash(stack.pop()[1], found)
        stack.append((height, found))
    for _, left in reversed(stack):
        right = left if right is None else node_hash(left, right)
    return right


# What can be asked


class Asked(NamedTuple):
    """The log's key and what else somebody believes in."""

    log: Key
    policy: Policy | None
    max_age: int | None

    def open(self, text: str) -> tuple[Checkpoint, str]:
        """A checkpoint that the log signed and that enough witnesses saw; in words, who saw it."""
        witnesses = list(self.policy.witnesses.values()) if self.policy else []
        checkpoint, cosigned = open_note(text, self.log, witnesses)
        if self.policy is not None and not self.policy.met(cosigned):
            raise Refused(f"witnesses: {len(cosigned)} of the policy saw this checkpoint; that is not its quorum")
        if self.max_age is not None:
            age = {name: time.time() - moment for name, moment in cosigned.items()}
            fresh = {name: cosigned[name] for name in age if -AHEAD_S <= age[name] <= self.max_age}
            if self.policy is None or not fresh or not self.policy.met(fresh):
                raise Refused(f"stale: no quorum of the policy's witnesses saw it within {self.max_age} s")
        seen = "".join(f"\nseen by {name} at {_utc(moment)}" for name, moment in sorted(cosigned.items()))
        return checkpoint, seen


def check_log(source: Source, asked: Asked, state: str | None, min_index: int, notes: Sequence[str]) -> str:
    """Every entry, every tile, the root, and all that is remembered of this log."""
    checkpoint, seen = asked.open(_text(_newest(source, asked)))
    remembered = [_elsewhere(_file(name), asked.log) for name in notes]
    remembered += _remembered(state, checkpoint)
    start = min(min_index, checkpoint.size) // WIDTH * WIDTH
    for one in remembered:
        if one.size > checkpoint.size:
            raise Refused(f"rollback: {one.size} entries were seen before, now there are {checkpoint.size}")
        if 0 < one.size < start:
            raise Missing(f"what was seen at {one.size} entries cannot be compared: they are pruned up to {start}")
    tree = Tree(source, start)
    if start:
        tree.begin_behind_pruned(checkpoint.size)
    _require_unforked(tree, remembered)
    latest = 0
    for number in range(start // WIDTH, -(-checkpoint.size // WIDTH)):
        for entry in source.entries(number, min(WIDTH, checkpoint.size - number * WIDTH)):
            latest = _require_time(entry, latest, tree.size)
            tree.append(leaf_hash(entry))
            _require_unforked(tree, remembered)
    tree.end()
    if tree.root() != checkpoint.root:
        raise Refused("checkpoint: the entries do not lead to the signed root")
    if state is not None:
        _remember(state, checkpoint)
    pruned = f"\nentries below {start} are pruned and were not read" if start else ""
    return f"verified: {checkpoint.size} entries of {checkpoint.origin}\nroot {_b64(checkpoint.root)}{seen}{pruned}"


def _newest(source: Source, asked: Asked) -> bytes:
    """The log's checkpoint. A Grantline log keeps the newest that witnesses saw beside the newest of all."""
    if asked.policy is not None:
        try:
            return source.read("checkpoint.witnessed", MAX_NOTE)
        except Missing:
            pass
    return source.read("checkpoint", MAX_NOTE)


def _require_unforked(tree: Tree, remembered: Sequence[Checkpoint]) -> None:
    for one in remembered:
        if one.size == tree.size and one.root != tree.root():
            raise Refused(f"fork: the first {one.size} entries are not those that were seen before")


def _require_time(entry: bytes, latest: int, index: int) -> int:
    """A Grantline entry names its commit time, which never goes back. Other logs' entries are bytes."""
    try:
        moment = json.loads(entry)["tc"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return latest
    if not isinstance(moment, int) or moment < latest:
        raise Refused(f"entry {index}: its commit time is before that of the entry before")
    return moment


def check_proof(text: str, entry: bytes, asked: Asked, disclosures: Sequence[dict[str, Any]]) -> str:
    """One entry, its place below a signed checkpoint, and what was disclosed of its withheld fields."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Refused("not a tlog-proof")
    lines = lines[1:] if lines and lines[0].startswith("extra ") else lines
    match = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[0] if lines else "", re.ASCII)
    if match is None:
        raise Refused("the proof names no index")
    checkpoint, seen = asked.open(note)
    path = [unbase64(line) for line in lines[1:]]
    if inclusion(int(match[1]), checkpoint.size, leaf_hash(entry), path) != checkpoint.root:
        raise Refused("the entry does not lead to the signed root")
    told = ""
    for each in disclosures:
        _require_committed(entry, each)
        told += f"\ndisclosed: {each['name']} = {json.dumps(each['value'])}"
    return f"verified: entry {match[1]} of {checkpoint.size} in {checkpoint.origin}{seen}{told}"


def _require_committed(entry: bytes, disclosure: dict[str, Any]) -> None:
    """Refuses a name and value that the entry is not committed to: HMAC(key, JCS([name, value])) is in its `sd`."""
    try:
        name, value, encoded = disclosure["name"], disclosure["value"], disclosure["key"]
        secret = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        digest = hmac.new(secret, _canonical([name, value]), hashlib.sha256).digest()
        found = base64.urlsafe_b64encode(digest).decode().rstrip("=") in json.loads(entry)["sd"]
    except (ValueError, KeyError, TypeError):
        raise Refused("a disclosure or its entry is malformed") from None
    if not found:
        raise Refused(f"the entry is not committed to this value of {name}")


def _canonical(value: Any) -> bytes:
    """RFC 8785, for everything but fractions, which no entry holds."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return b"{" + b",".join(_canonical(name) + b":" + _canonical(each) for name, each in members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(_canonical, value)) + b"]"
    if isinstance(value, float):
        raise ValueError("a fraction")
    return json.dumps(value, ensure_ascii=False).encode()


def compare(first: str, second: str, log: Key) -> str:
    """Two checkpoints of one log. Equal sizes with two roots are a fork, and the two files are its proof."""
    one, other = (open_note(text, log)[0] for text in (first, second))
    if one.size != other.size:
        raise Missing(
            f"sizes {one.size} and {other.size}: give both to `log --seen` to compare them through the entries"
        )
    if one.root != other.root:
        raise Refused(f"fork: {log.name} signed two roots for {one.size} entries; these two files prove it")
    return f"the same: {one.size} entries, root {_b64(one.root)}"


# Files and words


def _file(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise Missing(f"{name}: {error.strerror}") from None


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refused("something that should be text is not UTF-8") from None


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise Refused("something that should be JSON is not") from None


def _remembered(state: str | None, now: Checkpoint) -> list[Checkpoint]:
    if state is None or not os.path.exists(state):
        return []
    found = _json(_file(state))
    try:
        seen = Checkpoint(str(found["origin"]), int(found["size"]), unbase64(found["root"]))
    except (KeyError, TypeError, ValueError):
        raise Refused(f"{state}: not a file of what was seen") from None
    if seen.origin != now.origin:
        raise Refused(f"{state}: of {seen.origin}, but this log is {now.origin}")
    return [seen]


def _elsewhere(data: bytes, log: Key) -> Checkpoint:
    """What somebody else saw of this log: a checkpoint that it signed, or a consent receipt that quotes one."""
    if not data.lstrip().startswith(b"{"):
        return open_note(_text(data), log)[0]
    found = _json(data)
    try:
        quoted = found.get("receipt", found)["log"]
        seen = Checkpoint(str(quoted["origin"]), int(quoted["size"]), unbase64(quoted["root"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused("a file given as --seen is no checkpoint and quotes none") from None
    if seen.origin != log.name:
        raise Refused(f"the receipt quotes {seen.origin}, but the key is of {log.name}")
    return seen


def _remember(state: str, checkpoint: Checkpoint) -> None:
    with open(state + ".new", "w", encoding="utf-8") as file:
        json.dump({"origin": checkpoint.origin, "size": checkpoint.size, "root": _b64(checkpoint.root)}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(state + ".new", state)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _utc(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(moment, 253402300799)))


def shown(text: str) -> str:
    """What a terminal may see: control characters and those that turn the direction of writing are spelled out."""
    return "".join(one if one.isprintable() or one == "\n" else f"\\u{ord(one):04x}" for one in text)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Verify a Grantline log, or one proof from it.")
    kinds = parser.add_subparsers(dest="what", required=True)
    log = kinds.add_parser("log", help="a whole log, from an export or from where it is published")
    log.add_argument("place", help="directory or https:// address")
    log.add_argument("--state", help="file in which you keep what you saw last; finds a shortened or forked log")
    log.add_argument("--seen", action="append", default=[], help="a checkpoint or consent receipt that has to fit")
    log.add_argument("--min-index", type=int, default=0, help="entries below it may be pruned")
    proof = kinds.add_parser("proof", help="one entry with its tlog-proof")
    proof.add_argument("proof")
    proof.add_argument("--entry", required=True, help="file with the entry's bytes")
    proof.add_argument("--disclosures", help="file with what was disclosed of it")
    both = kinds.add_parser("compare", help="two checkpoints of one log")
    both.add_argument("first")
    both.add_argument("second")
    for one in (log, proof, both):
        one.add_argument("--vkey", required=True, help="file with the log's key, from a source that you trust")
    for one in (log, proof):
        one.add_argument("--policy", help="file that says which witnesses must have seen it (C2SP tlog-policy)")
        one.add_argument("--max-age", type=int, help="seconds since the newest witness saw it")
    return parser


def answer(given: argparse.Namespace) -> str:
    """What to say if everything fits."""
    log = key(_text(_file(given.vkey)))
    if given.what == "compare":
        return compare(_text(_file(given.first)), _text(_file(given.second)), log)
    asked = Asked(log, Policy(_text(_file(given.policy))) if given.policy else None, given.max_age)
    if given.what == "log":
        return check_log(Source(given.place), asked, given.state, max(0, given.min_index), given.seen)
    disclosures = _json(_file(given.disclosures)) if given.disclosures else []
    return check_proof(_text(_file(given.proof)), _file(given.entry), asked, disclosures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = _arguments().parse_args(arguments)
    try:
        print(shown(answer(given)))
    except Refused as refused:
        print(shown(f"REFUSED: {refused}"), file=sys.stderr)
        return 1
    except Missing as missing:
        print(shown(f"NOT VERIFIED: {missing}"), file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
