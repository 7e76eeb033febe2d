"""At which clients a browser's session is signed in: what a `sid` names, and who hears when the session ends.

Nobody has to remember to tell them: whatever ends a session writes that into its row, and the clients to be told are
those of ended sessions (OIDC Back-Channel Logout §2.3).
"""

from typing import Protocol

import msgspec

from grantline.model.ids import ClientId, PersonId, SubjectId
from grantline.model.ports import Outbox
from grantline.parties import ClientRows


class ClientSessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session at one client. `sid`: its name towards that client alone; `subject`: the person's. Unix seconds.

    `told_at`: when nothing more was left to tell the client of its end. `tries`: how often telling was begun;
    `due_at`: not before this again.
    """

    sid: str
    session: str
    client: ClientId
    person: PersonId
    subject: SubjectId
    begun_at: int
    told_at: int | None = None
    tries: int = 0
    due_at: int = 0


class ClientSessionRows(Protocol):
    """Sessions by the clients that they are signed in at."""

    async def open(self, row: ClientSessionRow) -> ClientSessionRow:
        """Keep it, unless the session is known to the client already: the row that is there then."""
        ...

    async def is_present(self, sid: str) -> bool:
        """True while the session behind it has not ended; where the same person signed in again, the newer one."""
        ...

    async def by_sid(self, sid: str) -> ClientSessionRow | None:
        """The session of this name, ended or not."""
        ...

    async def of(self, session: str) -> tuple[ClientSessionRow, ...]:
        """At which clients a session is signed in, oldest first."""
        ...

    async def to_tell(self, now: int, ended_after: int, at_most: int) -> tuple[ClientSessionRow, ...]:
        """Of sessions that ended after that: whose clients are to be told by now, the longest waiting first."""
        ...

    async def claim(self, row: ClientSessionRow, due_at: int) -> bool:
        """Begin a try: nobody else begins one before `due_at`. False if another process was first."""
        ...

    async def told(self, sid: str, at: int) -> None:
        """Nothing more is to be told."""
        ...

    async def sweep(self, before: int) -> int:
        """Forget those whose session was over before this time; how many."""
        ...


class Transaction(Protocol):
    """What telling clients is written against."""

    @property
    def client_sessions(self) -> ClientSessionRows: ...
    @property
    def clients(self) -> ClientRows: ...
    @property
    def outbox(self) -> Outbox: ...
