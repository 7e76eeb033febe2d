"""Canonical JSON (RFC 8785): one byte form for one value, so that hashes mean something."""

import hashlib
from typing import Any

import msgspec
import orjson


def canonical(value: Any) -> bytes:
    """The JCS form of a JSON value or struct. Member names must be ASCII and numbers integers below 2^53.

    Within those bounds (which hold for everything we hash) sorting by code point equals sorting by UTF-16 unit,
    and integers need no number rule; anything else is refused rather than hashed in a doubtful form.
    """
    plain = msgspec.to_builtins(value)
    _require_plain(plain)
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, lower-case hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _require_plain(value: Any) -> None:
    if isinstance(value, str):  # by far the most, and always fine
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise ValueError(f"member name {name!r} is not ASCII")
            _require_plain(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            _require_plain(member)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) >= 1 << 53):
        raise ValueError(f"number {value!r} has no safe canonical form here")
