"""What is kept of signing keys: their public halves and how far their lives have got. Private halves are in custody."""

from enum import StrEnum
from typing import Protocol

import msgspec

from grantline.model.ports import FeedLog, Outbox


class KeyState(StrEnum):
    """Published: others learn it, nothing is signed. Active: signs. Retired: verifies what it signed. Gone: nothing."""

    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRED = "retired"
    GONE = "gone"


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One key. Times in unix seconds. `custody`: the name of the backend that holds its private half.

    `verifies_until`: when the last thing that a retired key signed has expired. `compromised`: it was cut off.
    """

    kid: str
    alg: str
    state: KeyState
    custody: str
    jwk: dict[str, str]
    published_at: int
    active_at: int | None = None
    retired_at: int | None = None
    verifies_until: int | None = None
    gone_at: int | None = None
    compromised: bool = False


class SigningKeyRows(Protocol):
    """All keys there ever were. Of each algorithm at most one is published and at most one is active."""

    async def all(self) -> tuple[KeyRow, ...]:
        """Every key, oldest first."""
        ...

    async def add(self, row: KeyRow) -> bool:
        """Keep a new key; False if its algorithm has one in that state already. Then nothing was kept."""
        ...

    async def move(self, row: KeyRow, before: KeyState) -> bool:
        """Replace the key's row if its state still is `before`; False if another process was first."""
        ...


class Transaction(Protocol):
    """What changes of keys are written against."""

    @property
    def signing_keys(self) -> SigningKeyRows:
        """The keys."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events of this change."""
        ...

    @property
    def feed(self) -> FeedLog:
        """The revocation feed."""
        ...
