"""What an earlier run left in the spool: its numbering, events the ledger may lack, calls that may still be running."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from grantline.gateway.segments import SUFFIX, Torn, read
from grantline.model.events import EventType, Sequenced
from grantline.model.ids import ConsentId, EvaluationId
from grantline.model.reading import decoded

CURSOR = "delivered"


@dataclass(frozen=True, slots=True)
class Kept:
    """A durable event as it goes to the ledger: `raw` is the JSON of a `Sequenced`, `t` its time (unix µs)."""

    seq: int
    t: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class OpenDecision:
    """An admitted call without outcome: it may still be running somewhere. `grants`: of its lineage."""

    evaluation: EvaluationId
    consent: ConsentId
    grants: tuple[ConsentId, ...]
    seq: int
    t: int


@dataclass(slots=True)
class Left:
    """One file: its last number and the time of its last event."""

    path: Path
    last: int
    written_us: int


@dataclass(slots=True)
class Found:
    """Everything recovered. `damage`: sentences for a finding; empty when all files are whole."""

    boot: str | None = None
    next_seq: int = 1
    link: bytes = bytes(32)
    events: list[Kept] = field(default_factory=list)
    open: tuple[OpenDecision, ...] = ()
    damage: tuple[str, ...] = ()
    files: list[Left] = field(default_factory=list)


def recover(folder: Path) -> Found:
    """Read all files in order. Damage is told and passed over, never hidden; numbering goes on after the last good."""
    found = Found()
    running: dict[EvaluationId, OpenDecision] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        left = Left(path, 0, 0)
        try:
            for sequenced, kept in _events(path, found):
                left.last, left.written_us = sequenced.seq, sequenced.event.t
                found.events.append(kept)
                _follow(running, sequenced)
        except Torn as error:
            found.damage += (f"{path.name}: {error.message}",)
        if left.last:
            found.files.append(left)
        elif found.damage:
            path.rename(path.with_suffix(".torn"))
    found.open = tuple(running.values())
    delivered = read_cursor(folder, found.boot)
    found.events = [kept for kept in found.events if kept.seq > delivered]
    return found


def _events(path: Path, found: Found) -> Iterator[tuple[Sequenced, Kept]]:
    header, frames = read(path)
    if found.boot is not None and (header.boot, header.first) != (found.boot, found.next_seq):
        found.damage += (f"{path.name}: continues {header.boot} at {header.first}, not at {found.next_seq}",)
    if found.boot is not None and bytes.fromhex(header.link) != found.link:
        found.damage += (f"{path.name}: does not follow the file before it",)
    found.boot, found.next_seq, found.link = header.boot, header.first, bytes.fromhex(header.link)
    for data, link in frames:
        sequenced = _event(data)
        found.next_seq, found.link = sequenced.seq + 1, link
        yield sequenced, Kept(sequenced.seq, sequenced.event.t, data)


def _event(data: bytes) -> Sequenced:
    """What a whole frame holds; `Torn` if it is no event, whoever wrote it."""
    try:
        event: Sequenced = decoded(data, Sequenced)
    except msgspec.DecodeError as error:
        raise Torn(f"an event cannot be read: {error}") from error
    return event


def _follow(running: dict[EvaluationId, OpenDecision], sequenced: Sequenced) -> None:
    event, detail = sequenced.event, sequenced.event.detail
    evaluation = EvaluationId(str(detail.get("evaluation")))
    if event.type is EventType.GATEWAY_DECISION and event.out == "permit" and event.consent is not None:
        lineage: Any = detail.get("lineage") or ()
        grants = tuple(dict.fromkeys((event.consent, *(ConsentId(str(link[0])) for link in lineage))))
        running[evaluation] = OpenDecision(evaluation, event.consent, grants, sequenced.seq, event.t)
    elif event.type is EventType.GATEWAY_OUTCOME:
        running.pop(evaluation, None)


def read_cursor(folder: Path, boot: str | None) -> int:
    """The last number that the ledger acknowledged; 0 when unknown (sending again is harmless)."""
    try:
        owner, seq = (folder / CURSOR).read_text().split()
    except (OSError, ValueError):
        return 0
    return int(seq) if owner == boot and seq.isdecimal() else 0


def write_cursor(folder: Path, boot: str, seq: int) -> None:
    """Remember the acknowledged number, whole or not at all. Not synced: an older one only sends more again."""
    taking = folder / f"{CURSOR}.new"
    taking.write_text(f"{boot} {seq}\n")
    taking.rename(folder / CURSOR)
