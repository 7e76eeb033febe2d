"""base64url without padding (RFC 7515 §2), strict on the way in."""

import base64
import re

_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*\Z")


def b64url(data: bytes) -> str:
    """Text without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str | bytes) -> bytes:
    """The bytes; raises ValueError on padding, foreign letters, an impossible length or non-zero spare bits."""
    raw = text.encode("ascii") if isinstance(text, str) else text
    if not _ALPHABET.match(raw) or len(raw) % 4 == 1:
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=") != raw:
        raise ValueError("not canonical base64url")
    return data
