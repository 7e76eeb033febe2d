"""What the registry needs kept."""

from typing import Protocol

from grantline.model.ids import ClientId
from grantline.model.ports import FeedLog, Outbox
from grantline.parties.clients import Client


class ClientRows(Protocol):
    """Registrations by id. An id is unique across all kinds of client (check 138)."""

    async def get(self, client: ClientId) -> Client | None:
        """The registration, or None."""
        ...

    async def all(self) -> tuple[Client, ...]:
        """Every registration, by id."""
        ...

    async def changed(self) -> tuple[int, int]:
        """When one was last changed (unix seconds), and how many there are."""
        ...

    async def put(self, client: Client, at: int) -> None:
        """Keep the registration in place of an earlier one; `at` in unix seconds."""
        ...


class Transaction(Protocol):
    """One unit of work as the registry sees it."""

    @property
    def clients(self) -> ClientRows:
        """Registrations."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events of this change."""
        ...

    @property
    def feed(self) -> FeedLog:
        """Tells gateways about a client that was stopped."""
        ...
