"""What a leaf tells so that an outsider can count: numbers without a leaf of their own, pairs of records, heartbeats.

All of it is public and names nobody. What is not well formed is refused, for a leaf is kept for ever.
"""

from typing import Any

import msgspec

from grantline.model.errors import InvalidRequest
from grantline.model.events import Event, EventType

LEDGER = "ledger"
"""The ledger's own name as a producer."""
LONGEST_NAME = 128
_PAIRED = frozenset({EventType.GATEWAY_DECISION, EventType.GATEWAY_OUTCOME})
_EXPLAINS = frozenset({EventType.LOG_GAP, EventType.LOG_REPEATED})


class Beat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A producer's own account (`beat` of its leaf): events of one boot up to number `last`, by type."""

    boot: str
    last: int
    counts: dict[str, int]


class Unleafed(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of one stream that have no leaf (`of` of the ledger's own leaf): ranges, both ends included."""

    prod: str
    boot: str
    nos: tuple[tuple[int, int], ...]


def public(event: Event, producer: str) -> dict[str, Any]:
    """The members that this event's leaf has besides. Raises `InvalidRequest` for a heartbeat that is none."""
    if event.type in _PAIRED:
        evaluation = event.detail.get("evaluation")
        return {"ev": evaluation} if _is_name(evaluation) else {}
    if event.type == EventType.HEARTBEAT:
        return {"beat": msgspec.to_builtins(_beat(event.detail))}
    if event.type in _EXPLAINS and producer == LEDGER and "boot" in event.detail:
        return {"of": msgspec.to_builtins(_unleafed(event.detail))}
    if event.type == EventType.LOG_PRUNED and producer == LEDGER:
        return {"min": event.detail["minimum"]}
    if event.type == EventType.KEY_ROTATED and producer == LEDGER and "vkey" in event.detail:
        return {"vkey": event.detail["vkey"]}
    return {}


def ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges, both ends included."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def _beat(detail: dict[str, Any]) -> Beat:
    try:
        beat = msgspec.convert({name: detail.get(name) for name in Beat.__struct_fields__}, Beat)
    except msgspec.ValidationError as error:
        raise InvalidRequest("This is no heartbeat.", detail=str(error)) from error
    kinds = set(beat.counts) <= {kind.value for kind in EventType}
    numbers = all(number >= 0 for number in (beat.last, *beat.counts.values()))
    if not (kinds and numbers and _is_name(beat.boot)):
        raise InvalidRequest("This is no heartbeat.", detail="unknown types, or numbers out of range")
    return beat


def _unleafed(detail: dict[str, Any]) -> Unleafed:
    """Of the ledger's own detail: a hole that was passed, or numbers spent on known events."""
    numbers = detail.get("numbers") or [(detail["expected"], detail["found"] - 1)]
    return Unleafed(prod=detail["producer"], boot=detail["boot"], nos=tuple((first, last) for first, last in numbers))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
