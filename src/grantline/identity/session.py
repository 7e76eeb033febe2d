"""Who is present in this browser. A session is named by a secret that only the cookie holds; we keep its hash."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, field

from grantline.identity.settings import SessionSettings
from grantline.identity.store import SessionRow, Transaction
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, Randomness, event_id, opaque
from grantline.model.ports import Work


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person. `secret` goes into the cookie and nowhere else; `id` is safe to show and store.

    `auth_time`: unix seconds of the last sign-in. `amr`: methods used (RFC 8176). `csrf`: token for this session.
    """

    id: str
    person: PersonId
    username: str
    name: str
    auth_time: int
    amr: tuple[str, ...]
    csrf: str
    secret: str = field(default="", repr=False)


class Sessions:
    """Begins, recalls and ends sessions."""

    def __init__(
        self,
        work: Work[Transaction],
        clock: Clock,
        randomness: Randomness = secrets.token_bytes,
        settings: SessionSettings | None = None,
    ) -> None:
        self._work = work
        self._clock = clock
        self._randomness = randomness
        self._settings = settings or SessionSettings()

    async def begin(self, tx: Transaction, person: PersonId, amr: tuple[str, ...], replaced: str | None) -> Session:
        """A new session under a new secret; the one the browser had before (`replaced`) ends (check 35)."""
        now = self._clock.wall_us() // 1_000_000
        if replaced:
            await tx.sessions.end(_hashed(replaced), now)
        secret = opaque("s", self._randomness, 32)
        row = SessionRow(
            id=_hashed(secret),
            person=person,
            auth_time=now,
            amr=amr,
            csrf=opaque("c", self._randomness, 16),
            seen_at=now,
            ends_at=now + self._settings.absolute,
        )
        await tx.sessions.add(row)
        found = await tx.people.by_id(person)
        assert found is not None
        return Session(row.id, person, found.username, found.name, now, amr, row.csrf, secret)

    async def current(self, secret: str | None) -> Session | None:
        """The session of a cookie value, or None. Being seen prolongs it, at most once a minute."""
        if not secret or len(secret) > 200:
            return None
        now = self._clock.wall_us() // 1_000_000
        key = _hashed(secret)

        async def look(tx: Transaction) -> tuple[SessionRow, Session] | None:
            row = await tx.sessions.by_id(key)
            if row is None or row.ends_at <= now or row.seen_at + self._settings.idle <= now:
                return None
            person = await tx.people.by_id(row.person)
            if person is None:
                return None
            session = Session(
                row.id, row.person, person.username, person.name, row.auth_time, row.amr, row.csrf, secret
            )
            return row, session

        found = await self._work.read(look)
        if found is None:
            return None
        row, session = found
        if now - row.seen_at >= 60:

            async def seen(tx: Transaction) -> None:
                await tx.sessions.seen(key, now)

            # A full disk must not stand between a person and their withdrawal.
            with suppress(AuditUnavailable):
                await self._work.write(seen)
        return session

    async def end(self, session: Session) -> None:
        """Sign out. Ending is always possible, also on a full disk."""
        now_us = self._clock.wall_us()

        async def unit(tx: Transaction) -> None:
            await tx.sessions.end(session.id, now_us // 1_000_000)
            await tx.outbox.append(
                Event(
                    event_id=event_id(self._randomness, now_us),
                    type=EventType.SIGN_OUT,
                    t=now_us,
                    act="end",
                    res="session",
                    out="permit",
                    person=session.person,
                    actor=session.person,
                )
            )

        await self._work.write(unit, essential=True)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
