"""Was everything written? A tree proves that nothing was changed; what was never told shows by numbers alone.

Read from leaves only, so an outsider with an export finds the same as we do: each producer numbers what it says
without gaps, a heartbeat counts it once more, and each permitted call has an outcome.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import orjson

from grantline.ledger.accounts import LEDGER, Beat, Unleafed
from grantline.ledger.store import Stream
from grantline.model.clock import iso
from grantline.model.events import EventType

OUTCOME_WITHIN_US = 3_600_000_000
"""A permitted call without outcome is held against its gateway once the log has gone on for this long."""


class Hole(NamedTuple):
    """Numbers `first` to `last` of a stream without a leaf, between two commit times (unix µs; None: open end).

    `recorded`: the ledger itself put the hole on record when it passed it; nobody hid it.
    """

    stream: Stream
    first: int
    last: int
    since: int | None
    until: int | None
    recorded: bool


class Deficit(NamedTuple):
    """A heartbeat (in `entry`) counts more events than there are leaves and explanations for."""

    stream: Stream
    entry: int
    missing: int


class Unended(NamedTuple):
    """The entry permits a call at `tc` that nothing tells the outcome of."""

    producer: str
    entry: int
    tc: int


AHEAD_US = 2_000_000
"""A producer's clock may be so far ahead of the ledger's; what is recorded late is not held against it."""


class Ahead(NamedTuple):
    """A producer dated so many events later than they were committed, the first in `entry`, by up to `most` µs."""

    producer: str
    entry: int
    events: int
    most: int


class Heard(NamedTuple):
    """Until when a producer was heard, and the last entry of it."""

    producer: str
    entry: int
    tc: int


@dataclass(frozen=True, slots=True)
class Account:
    """What the numbers tell. `unpaired`: outcomes whose decision the log does not have. `ahead`: wrong clocks."""

    holes: tuple[Hole, ...]
    deficits: tuple[Deficit, ...]
    unended: tuple[Unended, ...]
    unpaired: tuple[int, ...]
    heard: tuple[Heard, ...]
    ahead: tuple[Ahead, ...] = ()

    @property
    def complete(self) -> bool:
        """True if nothing is missing but what the ledger itself tells to be missing."""
        hidden = any(not hole.recorded for hole in self.holes)
        return not (hidden or self.deficits or self.unended or self.unpaired)


def sentences(account: Account) -> Iterator[str]:
    """What an account says, a line each; what is held against somebody begins with MISSING."""
    for hole in account.holes:
        known = "recorded gap" if hole.recorded else "MISSING"
        yield f"{known}: {_name(hole.stream)} numbers {hole.first} to {hole.last}, {_between(hole.since, hole.until)}"
    for deficit in account.deficits:
        told = f"the heartbeat in entry {deficit.entry}"
        yield f"MISSING: {_name(deficit.stream)} has {deficit.missing} fewer entries than {told} counts"
    for call in account.unended:
        yield f"MISSING: nothing tells what became of the call that {call.producer} let through in entry {call.entry}"
    for index in account.unpaired:
        yield f"MISSING: entry {index} is the outcome of a call that nobody let through"
    for ahead in account.ahead:
        yield (
            f"clock: {_plain(ahead.producer)} dates {ahead.events} events up to {ahead.most / 1e6:.1f} s ahead, first "
            f"entry {ahead.entry}"
        )
    for heard in account.heard:
        yield f"last heard: {heard.producer} {iso(heard.tc)} (entry {heard.entry})"


def _name(stream: Stream) -> str:
    return "/".join(map(_plain, stream))


def _plain(text: str) -> str:
    """A boot is whatever its producer called it: nothing of it may act on a terminal."""
    return text.encode("unicode_escape").decode()


def _between(since: int | None, until: int | None) -> str:
    after = "before the first entry" if since is None else f"after {iso(since)}"
    return after if until is None else f"{after}, before {iso(until)}"


Range = tuple[int, int]
"""Both ends included."""


@dataclass(slots=True)
class _Told:
    """One stream so far. `missing`: ranges without a leaf, with the commit times around them.

    `repeated`, `lost`: ranges that the ledger explains. `instead`: findings that stand for an event it refused.
    """

    last: int = 0
    tc: int | None = None
    missing: list[tuple[Range, int | None, int | None]] = field(default_factory=list)
    repeated: list[Range] = field(default_factory=list)
    lost: list[Range] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    instead: int = 0
    whole: bool = True

    def number(self, leaf: dict[str, Any], *, begun: bool) -> None:
        """Take the leaf's number; within a stream they only grow. `begun`: maybe before the first leaf there is."""
        seq, kind = leaf["pseq"], leaf["type"]
        if begun and not self.last and seq > 1:
            self.whole = False
        elif seq > self.last + 1:
            self.missing.append(((self.last + 1, seq - 1), self.tc, leaf["tc"]))
        self.last, self.tc = max(self.last, seq), leaf["tc"]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.instead += kind == EventType.FINDING and leaf.get("rsn") == "event_refused"

    def short_of(self, beat: Beat) -> int:
        """How many of the events that the heartbeat counts have no leaf so far."""
        return sum(max(0, count - self.counts.get(kind, 0)) for kind, count in beat.counts.items())

    def explained(self, upto: int) -> int:
        """Numbers up to this one that have no leaf of the type they were told with, and why is known."""
        known = (*self.repeated, *self.lost)
        return self.instead + sum(max(0, min(last, upto) - first + 1) for first, last in known)


class Counting:
    """Takes leaves in order of their index; `account` at the end.

    Where the log was pruned, what began before its first entry is judged from there on.
    """

    def __init__(self) -> None:
        self._pruned: bool | None = None
        self._streams: dict[Stream, _Told] = {}
        self._beats: list[tuple[Stream, int, int, int]] = []
        self._open: dict[str, Unended] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()
        self._unpaired: list[int] = []
        self._paired: set[str] = set()
        self._heard: dict[str, Heard] = {}
        self._ahead: dict[str, Ahead] = {}
        self._tc = 0

    def take(self, index: int, body: bytes) -> None:
        """One leaf. One that tells of its numbers in no known way is a `ValueError`."""
        leaf = orjson.loads(body)
        producer, self._tc = leaf["prod"], leaf["tc"]
        self._pruned = index > 0 if self._pruned is None else self._pruned
        self._stream((producer, leaf["boot"])).number(leaf, begun=self._pruned)
        self._heard[producer] = Heard(producer, index, self._tc)
        if (ahead := leaf["t"] - self._tc) > AHEAD_US:
            before = self._ahead.get(producer, Ahead(producer, index, 0, 0))
            self._ahead[producer] = before._replace(events=before.events + 1, most=max(before.most, ahead))
        if "of" in leaf and producer == LEDGER:
            self._explain(leaf["type"], msgspec.convert(leaf["of"], Unleafed))
        elif "beat" in leaf:
            self._count(producer, index, msgspec.convert(leaf["beat"], Beat))
        elif "ev" in leaf:
            self._pair(index, leaf)

    def account(self) -> Account:
        """What all leaves taken tell together."""
        late = self._tc - OUTCOME_WITHIN_US
        return Account(
            holes=tuple(hole for stream, told in self._streams.items() for hole in _holes(stream, told)),
            deficits=tuple(self._deficits()),
            unended=tuple(call for call in self._open.values() if call.tc <= late),
            unpaired=tuple(self._unpaired),
            heard=tuple(self._heard.values()),
            ahead=tuple(self._ahead.values()),
        )

    def _stream(self, stream: Stream) -> _Told:
        return self._streams.setdefault(stream, _Told())

    def _explain(self, kind: str, of: Unleafed) -> None:
        told = self._stream((of.prod, of.boot))
        (told.repeated if kind == EventType.LOG_REPEATED else told.lost).extend(of.nos)

    def _count(self, producer: str, index: int, beat: Beat) -> None:
        """What a heartbeat counts came before it; the explanation of what is missing may still come."""
        stream = producer, beat.boot
        told = self._stream(stream)
        if beat.last > told.last and (told.last or not self._pruned):
            told.missing.append(((told.last + 1, beat.last), told.tc, None))
            told.last = beat.last
        if told.whole and (short := told.short_of(beat)):
            self._beats.append((stream, index, beat.last, short))

    def _deficits(self) -> Iterator[Deficit]:
        for stream, index, last, short in self._beats:
            missing = short - self._streams[stream].explained(last)
            if missing > 0:
                yield Deficit(stream, index, missing)

    def _pair(self, index: int, leaf: dict[str, Any]) -> None:
        """An outcome follows its decision. Those of a time before leaves named their pairs are not judged."""
        producer, name = leaf["prod"], f"{leaf['prod']}/{leaf['ev']}"
        if leaf["type"] == EventType.GATEWAY_DECISION:
            self._paired.add(producer)
            if leaf["out"] == "permit":
                self._open[name] = Unended(producer, index, self._tc)
        elif self._open.pop(name, None) is not None:
            self._end(name)
        elif producer in self._paired and not self._pruned and name not in self._ended:
            self._unpaired.append(index)

    def _end(self, name: str) -> None:
        """Remember it for a while: an outcome may be told twice."""
        self._ended[name] = self._tc
        while next(iter(self._ended.values())) < self._tc - OUTCOME_WITHIN_US:
            self._ended.popitem(last=False)


def _holes(stream: Stream, told: _Told) -> Iterator[Hole]:
    """What is missing and was not repeated elsewhere, apart by whether the ledger tells of it."""
    for missing, since, until in told.missing:
        for left in _without(missing, told.repeated):
            hidden = list(_without(left, told.lost))
            yield from (Hole(stream, *each, since, until, recorded=False) for each in hidden)
            yield from (Hole(stream, *each, since, until, recorded=True) for each in _without(left, hidden))


def _without(whole: Range, parts: Sequence[Range]) -> Iterator[Range]:
    """What is left of a range."""
    first, last = whole
    for start, end in sorted(parts):
        if end < first or start > last:
            continue
        if start > first:
            yield first, start - 1
        first = end + 1
    if first <= last:
        yield first, last
