"""What consents need kept: states that change, versions that never do."""

from typing import Protocol

import msgspec

from grantline.model.consent import State, Version
from grantline.model.ids import ClientId, ConsentId, PersonId, SubjectId
from grantline.model.ports import FeedLog, Outbox


class ConsentRows(Protocol):
    """States and versions by consent. Versions are append-only: storage itself refuses to change one."""

    async def add(self, state: State) -> None:
        """Keep a new consent."""
        ...

    async def get(self, consent: ConsentId) -> State | None:
        """The state, ended ones included."""
        ...

    async def save(self, before: State, after: State, expires_at: int | None) -> None:
        """Put `after` in place of `before`; raises `Conflict` when the stored one is no longer `before`.

        `expires_at`: hard end of the current version (unix seconds), None while there is none.
        """
        ...

    async def add_version(self, version: Version) -> None:
        """Keep a sealed version; a number or ceremony used before is a `Conflict`."""
        ...

    async def version(self, consent: ConsentId, number: int) -> Version | None:
        """One version, its content hash checked; raises `ServerError` if the stored bytes are not what was sealed."""
        ...

    async def versions(self, consent: ConsentId) -> tuple[Version, ...]:
        """All versions, oldest first, each checked."""
        ...

    async def of_person(self, person: PersonId) -> tuple[State, ...]:
        """All consents of a person, newest first."""
        ...

    async def of_client(self, client: ClientId, *, limit: int) -> tuple[State, ...]:
        """Consents of a client, newest first."""
        ...

    async def of_subject(self, subject: SubjectId, client: ClientId) -> tuple[State, ...]:
        """Consents of the person whom this client knows by this name, newest first."""
        ...

    async def latest(self, *, limit: int) -> tuple[State, ...]:
        """Consents of everybody, newest first: for operators."""
        ...

    async def due(self, now: int, *, limit: int) -> tuple[State, ...]:
        """Active or suspended ones whose hard end is at or before `now` (unix seconds), earliest end first."""
        ...

    async def unanswered(self, before: int, *, limit: int) -> tuple[State, ...]:
        """Requested ones created at or before this time (unix seconds), oldest first."""
        ...


class Descent(msgspec.Struct, frozen=True, kw_only=True):
    """A consent that is part of `parent`, made at that `epoch` of it for `client`.

    `digest` names what was passed on; `expires_at` in unix seconds.
    """

    consent: ConsentId
    parent: ConsentId
    epoch: int
    client: ClientId
    digest: str
    expires_at: int


class DescentRows(Protocol):
    """Which consent is part of which."""

    async def add(self, descent: Descent) -> None:
        """Keep a new one."""
        ...

    async def of(self, parent: ConsentId, epoch: int, client: ClientId) -> tuple[Descent, ...]:
        """What this client was passed on at this epoch of the parent."""
        ...

    async def children(self, parent: ConsentId) -> tuple[Descent, ...]:
        """Everything that was ever passed on from it."""
        ...


class CallRows(Protocol):
    """How many calls went out to gateways, by consent and by what they are about (`calls.name_of`)."""

    async def given(self, consent: ConsentId, item: str) -> int:
        """How many went out so far."""
        ...

    async def give(self, consent: ConsentId, item: str, calls: int) -> None:
        """So many more went out."""
        ...


class Transaction(Protocol):
    """One unit of work as consents see it."""

    @property
    def consents(self) -> ConsentRows:
        """States and versions."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events of this change."""
        ...

    @property
    def feed(self) -> FeedLog:
        """Tells gateways, in this same unit."""
        ...


class CallsTransaction(Transaction, Protocol):
    """The same where calls are given out."""

    @property
    def calls(self) -> CallRows:
        """Those that went out."""
        ...


class DescentTransaction(Transaction, Protocol):
    """The same where consents are passed on."""

    @property
    def descents(self) -> DescentRows:
        """Which consent is part of which."""
        ...
