"""Requests that begin on one device and are answered on another: how they wait, and how often somebody asks.

Each has two tickets (`tickets.RequestTicket` for the person, one for the client) and one row here that joins them.
Neither handle is kept: both are made from the row's id by a key of ours, as refresh tokens are.
"""

import hashlib
import hmac
from enum import StrEnum
from typing import Protocol

import msgspec

from grantline.crypto.encoding import b64url
from grantline.model.ids import ClientId


class Way(StrEnum):
    """How the request came: from a device that shows a code (RFC 8628), or by the back channel (CIBA)."""

    DEVICE = "device"
    BACKCHANNEL = "backchannel"


class Side(StrEnum):
    """Whose handle it is."""

    PERSON = "person"
    CLIENT = "client"


class Result(StrEnum):
    """What the person said."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class ElsewhereRow(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `id`: 256 random bits. Times in unix seconds, `interval` in seconds.

    `waits_for`: the person who is asked, or a name that is nobody's where nobody was found; None for a device, which
    waits for whoever compares its code, until they answered. `user_code`: without its dash, None where there is none.
    `polled_at`: when the client asked last. `tell_at`: when the client is to be told that there is an answer, None for
    never; `tries`: how often that began.
    """

    id: str
    way: Way
    client: ClientId
    waits_for: str | None
    user_code: str | None
    created_at: int
    expires_at: int
    interval: int
    polled_at: int | None = None
    result: Result | None = None
    tell_at: int | None = None
    tries: int = 0


class ElsewhereRows(Protocol):
    """Requests from elsewhere, by id."""

    async def put(self, row: ElsewhereRow) -> None:
        """Keep a new one."""
        ...

    async def get(self, id: str) -> ElsewhereRow | None:
        """The row, answered and expired ones included."""
        ...

    async def by_user_code(self, user_code: str) -> ElsewhereRow | None:
        """The row with this code, whatever became of it."""
        ...

    async def polled(self, id: str, at: int, interval: int) -> None:
        """The client asked now, and has to wait this long before it asks again."""
        ...

    async def answered(self, id: str, person: str, result: Result, tell_at: int | None) -> None:
        """This person answered."""
        ...

    async def take_back(self, person: str) -> int:
        """What this person allowed counts as refused, unless its tokens are out already; how much there was."""
        ...

    async def waiting_for(self, person: str, now: int) -> tuple[ElsewhereRow, ...]:
        """What waits for this person's answer, the oldest first."""
        ...

    async def pressing(self, person: str, client: ClientId, now: int) -> int:
        """How many of this client's requests to this person wait or were refused, and have not expired."""
        ...

    async def to_tell(self, now: int, at_most: int) -> tuple[ElsewhereRow, ...]:
        """Whose clients are to be told by now."""
        ...

    async def claim(self, row: ElsewhereRow, tell_at: int) -> bool:
        """Begin a try; the next not before `tell_at`. False if another process has begun it."""
        ...

    async def told(self, id: str) -> None:
        """Nothing more is to be told."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget what expired before; how many."""
        ...


def handle_for(key: bytes, id: str, side: Side) -> str:
    """The handle of one side, 256 bits in base64url. `key`: 32 bytes that only authorities hold."""
    return b64url(hmac.digest(key, f"elsewhere\0{side}\0{id}".encode(), hashlib.sha256))
