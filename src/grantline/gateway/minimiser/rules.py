"""Which records of an answer may pass: those of granted resources, and not older than agreed."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Self

import msgspec

from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.shape import Path, attribute
from grantline.model.decision import RecordRule

_LONGEST = 40


class Judge:
    """One `RecordRule`, ready to judge records. A record that does not say what the rule asks for is not kept."""

    __slots__ = ("_allowed", "_path", "_since")

    def __init__(self, path: Path, allowed: frozenset[str] | None, since: datetime | None) -> None:
        self._path = tuple(attribute(name) for name in path)
        self._allowed = allowed
        self._since = since

    @classmethod
    def of(cls, rule: RecordRule) -> Self:
        """Read the rule; one that demands nothing or has an unreadable date raises `Unfilterable`."""
        since = None if rule.since is None else moment(rule.since)
        if (rule.since is not None and since is None) or (rule.allowed is None and since is None):
            raise Unfilterable(f"the rule on {'.'.join(rule.path)} cannot be applied")
        return cls(rule.path, rule.allowed, since)

    def keeps(self, record: Any) -> bool:
        """True if the record names at least one value at the path, and each of them is allowed."""
        values = _values(record, self._path)
        return bool(values) and all(self._passes(value) for value in values)

    def _passes(self, value: Any) -> bool:
        if self._allowed is not None and not _is_named(value, self._allowed):
            return False
        if self._since is None:
            return True
        told = moment(value) if isinstance(value, str) else None
        return told is not None and told >= self._since


def moment(text: str) -> datetime | None:
    """An ISO 8601 date or time as UTC; a date means its first instant, a time without zone is UTC; else None."""
    return _read(text) if len(text) <= _LONGEST else None


@lru_cache(4_096)
def _read(text: str) -> datetime | None:
    # Records of one answer share their days, so most are read once.
    try:
        told = datetime.fromisoformat(text)
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_named(value: Any, allowed: frozenset[str]) -> bool:
    # A boolean is an int to Python, but no resource is called true.
    return (isinstance(value, str) or type(value) is int) and str(value) in allowed


def _values(node: Any, path: Path) -> list[Any]:
    if node is None or node is msgspec.UNSET:
        return []
    if isinstance(node, list):
        found = [_values(each, path) for each in node]
        # A part that tells nothing makes the whole doubtful.
        return [value for values in found for value in values] if all(found) else []
    return _values(getattr(node, path[0]), path[1:]) if path else [node]
