"""Names of the things everyone speaks about. The type of a string says what it is."""

import base64
import time
from collections.abc import Callable
from typing import NewType

PersonId = NewType("PersonId", str)  # one human in this instance; never leaves the authority
SubjectId = NewType("SubjectId", str)  # pairwise name of a person (or a client) towards one client sector: `sub`
ClientId = NewType("ClientId", str)
ConsentId = NewType("ConsentId", str)  # = OAuth `grant_id`
GatewayId = NewType("GatewayId", str)
SessionId = NewType("SessionId", str)  # one feed connection of one gateway
ApiId = NewType("ApiId", str)
PurposeId = NewType("PurposeId", str)
FamilyId = NewType("FamilyId", str)  # refresh tokens that descend from one code
TokenId = NewType("TokenId", str)  # `jti`
EventId = NewType("EventId", str)  # UUIDv7, the producer's name of a ledger event
EvaluationId = NewType("EvaluationId", str)

Randomness = Callable[[int], bytes]
"""Gives that many random bytes; `secrets.token_bytes` in production, a seeded one in tests."""


def opaque(prefix: str, randomness: Randomness, size: int = 16) -> str:
    """An unguessable name such as `g_Jx…`; `size` random bytes (16 = 128 bits), base64url without padding."""
    return f"{prefix}_{base64.urlsafe_b64encode(randomness(size)).rstrip(b'=').decode()}"


def event_id(randomness: Randomness, unix_us: int | None = None) -> EventId:
    """A UUIDv7 (RFC 9562 §5.7): sortable by the millisecond it was made in."""
    milliseconds = (time.time_ns() // 1_000 if unix_us is None else unix_us) // 1_000
    random = int.from_bytes(randomness(10), "big")
    value = (
        (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    )
    text = f"{value:032x}"
    return EventId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
