"""What the registry needs kept."""

from typing import Protocol

import msgspec

from grantline.model.ids import ClientId
from grantline.model.ports import FeedLog, Outbox
from grantline.parties.clients import Client
from grantline.parties.self_registration import RegistrationPolicy


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

    async def remove(self, client: ClientId) -> None:
        """Forget one that nothing refers to."""
        ...


class RegistrationRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a client that no operator declared came here; times in unix seconds.

    `token`: SHA-256 of the registration access token, None for documents and where it counts no more. `policy`: the
    most it may register itself for. `fresh_until`: when a document has to be fetched again. `settled`: somebody was
    asked on its behalf, so it is never forgotten.
    """

    client: ClientId
    created_at: int
    policy: RegistrationPolicy
    token: bytes | None = None
    fresh_until: int | None = None
    settled: bool = False


class RegistrationRows(Protocol):
    """Registrations that clients made themselves, and documents that were fetched."""

    async def put(self, row: RegistrationRow) -> None:
        """Keep it in place of an earlier one."""
        ...

    async def get(self, client: ClientId) -> RegistrationRow | None:
        """The row, or None for a client that was declared."""
        ...

    async def stop(self, client: ClientId) -> None:
        """Let its registration access token count no more."""
        ...

    async def unsettled(self, before: int, *, limit: int) -> tuple[ClientId, ...]:
        """Clients that came before this time and that nobody is known to have been asked for, oldest first."""
        ...

    async def settle(self, client: ClientId) -> None:
        """It is in use."""
        ...

    async def count(self) -> int:
        """How many there are."""
        ...

    async def remove(self, client: ClientId) -> None:
        """Forget it."""
        ...


class InitialTokenRows(Protocol):
    """Initial access tokens (RFC 7591 §1.2), by SHA-256."""

    async def put(self, digest: bytes, policy: RegistrationPolicy, *, uses: int, expires_at: int) -> None:
        """Keep a new one."""
        ...

    async def policy(self, digest: bytes, now: int) -> RegistrationPolicy | None:
        """What it lets a client register for, if it could be spent now."""
        ...

    async def spend(self, digest: bytes, now: int) -> bool:
        """Take one use of it, if it has any left and has not expired."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget those that expired before this time; how many."""
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


class UsedByConsents(Protocol):
    """Whether anybody was ever asked on behalf of a client."""

    async def of_client(self, client: ClientId, *, limit: int) -> tuple[object, ...]:
        """Its consents, in any state."""
        ...


class SelfRegistrationTransaction(Transaction, Protocol):
    """The same where clients register themselves."""

    @property
    def registrations(self) -> RegistrationRows:
        """How they came."""
        ...

    @property
    def initial_tokens(self) -> InitialTokenRows:
        """Who may come."""
        ...


class SweepTransaction(SelfRegistrationTransaction, Protocol):
    """The same where those that were never used are forgotten."""

    @property
    def consents(self) -> UsedByConsents:
        """What they were used for."""
        ...
