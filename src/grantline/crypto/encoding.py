"""base64url without padding (RFC 7515 §2), strict on the way in."""

import binascii
import re

_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*\Z")
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_LAST = (None, b"", b"AQgw", b"AEIMQUYcgkosw048")
"""Letters that may stand last, by how many are left over from groups of four: those whose spare bits are zero."""


def b64url(data: bytes) -> str:
    """Text without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def unb64url(text: str | bytes) -> bytes:
    """The bytes; raises ValueError on padding, foreign letters, an impossible length or non-zero spare bits."""
    raw = text.encode("ascii") if isinstance(text, str) else text
    last = _LAST[len(raw) % 4]
    if not _ALPHABET.match(raw) or (last is not None and raw[-1] not in last):
        raise ValueError("not canonical base64url")
    return binascii.a2b_base64(raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4))
