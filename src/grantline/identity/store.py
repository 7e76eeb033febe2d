"""What identity needs kept: people, their sessions, one-time links, and how often somebody guessed wrong.

What people sign in with besides passwords is in `methods/store.py`.
"""

from dataclasses import dataclass, field
from typing import Protocol

from grantline.identity.levels import PASSWORD
from grantline.identity.methods.store import CeremonyRows, LinkRows, PasskeyRows, RecoveryRows, TotpRows
from grantline.model.ids import ApiId, PersonId
from grantline.model.ports import Outbox


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person. `resource_names`: the person's name at each API. `password`: argon2id hash, None before enrolment.

    `roles`: `operator` may administer; everybody may consent. `locked_at`: since when nobody gets in as this person and
    nothing is issued for what they are asked (unix seconds); None: they are not locked.
    """

    id: PersonId
    username: str
    name: str
    email: str | None
    roles: tuple[str, ...]
    resource_names: dict[ApiId, str]
    password: str | None = field(default=None, repr=False)
    locked_at: int | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session under the SHA-256 of its secret. Times are unix seconds.

    `acr`: how sure the sign-in was (`levels`). `agent`: the kind of browser, such as "Firefox on Linux"; no more.
    """

    id: str
    person: PersonId
    auth_time: int
    amr: tuple[str, ...]
    csrf: str
    seen_at: int
    ends_at: int
    acr: str = PASSWORD
    agent: str = ""


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """A one-time link, kept as the SHA-256 of its token. `person` None: the first operator of an empty store."""

    id: str
    person: PersonId | None
    ends_at: int


@dataclass(frozen=True, slots=True)
class GuessRow:
    """Failed attempts under one key (an account or an address) and until when it must wait (unix seconds)."""

    key: str
    failures: int
    wait_until: int
    last_at: int


class PersonRows(Protocol):
    """People."""

    async def by_id(self, person: PersonId) -> PersonRow | None:
        """The person of this id."""
        ...

    async def by_username(self, username: str) -> PersonRow | None:
        """The person who signs in under this name (already folded to lower case)."""
        ...

    async def by_email(self, email: str) -> tuple[PersonRow, ...]:
        """Everybody whom the operator gave this address, whatever its case."""
        ...

    async def put(self, person: PersonRow) -> None:
        """Keep the person, replacing an earlier row of the same id."""
        ...

    async def count(self) -> int:
        """How many people there are."""
        ...


class SessionRows(Protocol):
    """Sessions."""

    async def add(self, row: SessionRow) -> None:
        """Keep a new session."""
        ...

    async def by_id(self, id: str) -> SessionRow | None:
        """The session, if it has not been ended."""
        ...

    async def seen(self, id: str, now: int) -> None:
        """The browser was here."""
        ...

    async def end(self, id: str, now: int) -> None:
        """End it; ending twice is harmless."""
        ...

    async def pass_on(self, old: str, new: str, person: PersonId) -> None:
        """Clients at which this person is signed in by the old session, if it stands, are so by the new one."""
        ...

    async def end_all(self, person: PersonId, now: int) -> int:
        """End every session of a person; how many there were."""
        ...

    async def of(self, person: PersonId, now: int) -> tuple[SessionRow, ...]:
        """The person's sessions that have neither ended nor reached their end, newest first."""
        ...

    async def end_one(self, person: PersonId, id: str, now: int) -> bool:
        """End one of this person's sessions; False when there is none such."""
        ...

    async def over(self, now: int, idle: int, limit: int) -> tuple[SessionRow, ...]:
        """Sessions that stand though their end has come, or nobody was there for `idle` seconds; at most `limit`."""
        ...


class EnrolmentRows(Protocol):
    """One-time links."""

    async def add(self, row: EnrolmentRow) -> None:
        """Keep a new link."""
        ...

    async def find(self, id: str, now: int) -> EnrolmentRow | None:
        """The link, if it is unused and not over."""
        ...

    async def burn(self, id: str, now: int) -> EnrolmentRow | None:
        """Use the link up: the row the first time, None ever after."""
        ...

    async def end_all(self, person: PersonId | None, now: int) -> None:
        """Use up every link of this person; None: those for the first operator."""
        ...


class GuessRows(Protocol):
    """Failed attempts."""

    async def get(self, key: str) -> GuessRow | None:
        """What is known of this key."""
        ...

    async def put(self, row: GuessRow) -> None:
        """Keep it."""
        ...

    async def clear(self, key: str) -> None:
        """Forget it."""
        ...


class Transaction(Protocol):
    """What identity's units of work are written against."""

    @property
    def people(self) -> PersonRows: ...
    @property
    def sessions(self) -> SessionRows: ...
    @property
    def enrolments(self) -> EnrolmentRows: ...
    @property
    def guesses(self) -> GuessRows: ...
    @property
    def passkeys(self) -> PasskeyRows: ...
    @property
    def totps(self) -> TotpRows: ...
    @property
    def recovery_codes(self) -> RecoveryRows: ...
    @property
    def links(self) -> LinkRows: ...
    @property
    def ceremonies(self) -> CeremonyRows: ...
    @property
    def outbox(self) -> Outbox: ...
