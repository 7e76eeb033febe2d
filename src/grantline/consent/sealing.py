"""Versions as bytes that never change: canonical JSON (RFC 8785) with its own SHA-256 inside."""

import hashlib
from typing import Any

import msgspec

from grantline.crypto import jcs
from grantline.model.consent import Version
from grantline.model.errors import ServerError

SCHEMA = "grantline-consent-1"
_decode = msgspec.json.Decoder(Version).decode


def seal(version: Version) -> Version:
    """The version with its content hash filled in."""
    return msgspec.structs.replace(version, content_hash=_hash(msgspec.to_builtins(version)))


def to_bytes(version: Version) -> bytes:
    """The stored form of a sealed version."""
    return jcs.canonical(version)


def from_bytes(body: bytes) -> Version:
    """A stored version; raises `ServerError` if the hash inside does not recompute.

    The hash is taken over the bytes themselves, which are canonical but for the hash: so a field added later never
    touches older versions, and nothing has to be sorted again.
    """
    try:
        version = _decode(body)
    except msgspec.MsgspecError as error:
        raise ServerError("A stored consent is damaged; nothing was done.", detail=str(error)) from error
    # A quotation mark inside a text is escaped, so these bytes are the member itself; it is never the last one.
    hashed = body.replace(b'"content_hash":"%s",' % version.content_hash.encode(), b"", 1)
    if hashlib.sha256(hashed).hexdigest() != version.content_hash:
        raise ServerError("A stored consent is damaged; nothing was done.", detail=version.record_id)
    return version


def _hash(members: dict[str, Any]) -> str:
    return jcs.digest({name: value for name, value in members.items() if name != "content_hash"})
