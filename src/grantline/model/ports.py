"""What several parts ask of storage. A part's own wishes stand in its own `store.py`."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from grantline.model.events import Event
from grantline.model.feed import Entry, NewEntry, Position

Tx_contra = TypeVar("Tx_contra", contravariant=True)
Tx_co = TypeVar("Tx_co", covariant=True)
T = TypeVar("T")


class Work(Protocol[Tx_co]):
    """Units of work over one database. A unit is an async function that awaits nothing but its transaction."""

    async def write(self, unit: Callable[[Tx_co], Awaitable[T]], *, essential: bool = False) -> T:
        """Run the unit alone, all or nothing; return after it is durable.

        `essential` units (withdrawals, logouts) may use the disk reserve kept for them.
        Raises `AuditUnavailable` when nothing can be made durable; then nothing was done.
        """
        ...

    async def read(self, unit: Callable[[Tx_co], Awaitable[T]]) -> T:
        """Run the unit over one consistent snapshot of what is committed."""
        ...


class Outbox(Protocol):
    """Events of this database's state changes, in commit order, waiting for the ledger."""

    async def append(self, event: Event) -> None:
        """Keep the event with the change it tells of."""
        ...


class FeedLog(Protocol):
    """The revocation feed, written in the state's own transaction."""

    async def append(self, entry: NewEntry) -> Entry:
        """Number the entry (gap-free, in commit order) and keep it."""
        ...

    async def position(self) -> Position:
        """The last place in the feed as this transaction sees it. Read it before the state a mint relies on."""
        ...
