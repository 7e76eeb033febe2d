"""Versions as bytes that never change: canonical JSON (RFC 8785) with its own SHA-256 inside."""

from typing import Any

import msgspec
import orjson

from grantline.crypto import jcs
from grantline.model.consent import Version
from grantline.model.errors import ServerError

SCHEMA = "grantline-consent-1"


def seal(version: Version) -> Version:
    """The version with its content hash filled in."""
    return msgspec.structs.replace(version, content_hash=_hash(msgspec.to_builtins(version)))


def to_bytes(version: Version) -> bytes:
    """The stored form of a sealed version."""
    return jcs.canonical(version)


def from_bytes(body: bytes) -> Version:
    """A stored version; raises `ServerError` if the hash inside does not recompute.

    The hash is taken over the members that are in the bytes: a field added later never touches older versions.
    """
    members = orjson.loads(body)
    if _hash(members) != members.get("content_hash"):
        raise ServerError("A stored consent is damaged; nothing was done.", detail=str(members.get("record_id")))
    return msgspec.convert(members, Version)


def _hash(members: dict[str, Any]) -> str:
    return jcs.digest({name: value for name, value in members.items() if name != "content_hash"})
