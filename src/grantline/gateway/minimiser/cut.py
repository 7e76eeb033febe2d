"""Cuts JSON to what was agreed: named fields of named records. Values pass exactly; the rest is never built."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.rules import Judge
from grantline.gateway.minimiser.shape import Path, attribute, grow, shape, under
from grantline.model.decision import FieldFilter

_encode = msgspec.json.Encoder().encode
_KEPT_SHAPES = 512


class Cutter:
    """One `FieldFilter`, ready to cut answers. Cheap to make: the decoders behind it are shared and cached.

    At each level an object, a list of objects or null may stand; anything else there raises `Unfilterable`.
    Of repeated members the last counts, for the rules and for what passes alike.
    """

    __slots__ = ("_filter", "_judges", "_paths")

    def __init__(self, obligation: FieldFilter) -> None:
        self._filter = obligation
        self._judges = tuple(Judge.of(rule) for rule in obligation.rules)
        self._paths = tuple(rule.path for rule in obligation.rules)

    def document(self, body: bytes) -> bytes:
        """A whole JSON text (RFC 8259), cut. Records that a rule refuses leave their list, or become null."""
        return self._cut(body, self._filter.records, self._filter.envelope)

    def line(self, line: bytes) -> bytes:
        """One line of NDJSON, which is one record; empty if a rule refuses it."""
        kept = self._cut(line, (), ())
        return b"" if kept == b"null" else kept

    def _cut(self, body: bytes, records: Path, envelope: Path) -> bytes:
        _require_utf8(body)
        kept = _read(_fields_decoder(records, self._filter.fields, envelope), body)
        if self._judges:
            # The rules' own members are read apart, so that one which was not granted cannot slip out.
            seen = _read(_rules_decoder(records, self._paths), body)
            kept = _sift(kept, seen, tuple(attribute(name) for name in records), self._judges)
        return _encode(kept)


@lru_cache(_KEPT_SHAPES)
def _fields_decoder(records: Path, fields: tuple[Path, ...], envelope: Path) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape(under(records, grow(fields), envelope), msgspec.Raw))


@lru_cache(_KEPT_SHAPES)
def _rules_decoder(records: Path, paths: tuple[Path, ...]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape(under(records, grow(paths)), Any))


def _read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise Unfilterable(f"the JSON cannot be read: {error}") from error


def _require_utf8(body: bytes) -> None:
    # Skipped strings are not decoded, and a reader that mends broken UTF-8 may see other quotes than we do.
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Unfilterable("the JSON is not UTF-8") from error


def _sift(kept: Any, seen: Any, way: Path, judges: Sequence[Judge]) -> Any:
    """`kept` without the records that `seen` (the same places, read for the rules) does not justify."""
    if kept is None or kept is msgspec.UNSET:
        return kept
    if way:
        for place, told in zip(*_as_lists(kept, seen), strict=True):
            setattr(place, way[0], _sift(getattr(place, way[0]), getattr(told, way[0]), way[1:], judges))
        return kept
    if isinstance(kept, list):
        return [record for record, told in zip(kept, seen, strict=True) if _stands(told, judges)]
    return kept if _stands(seen, judges) else None


def _as_lists(kept: Any, seen: Any) -> tuple[list[Any], list[Any]]:
    return (kept, seen) if isinstance(kept, list) else ([kept], [seen])


def _stands(record: Any, judges: Sequence[Judge]) -> bool:
    return all(judge.keeps(record) for judge in judges)
