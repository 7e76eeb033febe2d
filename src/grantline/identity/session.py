"""Who is present in this browser. A session is named by a secret that only the cookie holds; we keep its hash."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, field

from grantline.identity.levels import PASSWORD
from grantline.identity.settings import SessionSettings
from grantline.identity.store import PersonRow, SessionRow, Transaction
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, Randomness, event_id, opaque
from grantline.model.ports import Work

LONGEST_AGENT = 60


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person. `secret` goes into the cookie and nowhere else; `id` is safe to show and store.

    `auth_time`: unix seconds of the last sign-in. `amr`: methods used (RFC 8176). `csrf`: token for this session.
    `acr`: how sure the sign-in was; see `levels.satisfies`.
    """

    id: str
    person: PersonId
    username: str
    name: str
    auth_time: int
    amr: tuple[str, ...]
    csrf: str
    secret: str = field(default="", repr=False)
    acr: str = PASSWORD


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a person's sessions, for their list. `agent`: the kind of browser. Times are unix seconds."""

    id: str
    agent: str
    since: int
    seen_at: int
    acr: str


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

    async def begin(
        self, tx: Transaction, person: PersonId, amr: tuple[str, ...], replaced: str | None, *, acr: str = PASSWORD,
        agent: str = "", auth_time: int | None = None,
    ) -> Session:  # fmt: skip
        """A new session under a new secret; the one the browser had before (`replaced`) ends (check 35).

        Where it was the same person's, clients are still signed in: nobody has left. `auth_time`: if it was not now.
        Only `Admission` calls it for somebody who signs in: it knows whether a second factor is due.
        """
        now = self._clock.wall_us() // 1_000_000
        secret = opaque("s", self._randomness, 32)
        if replaced:
            await tx.sessions.pass_on(_hashed(replaced), _hashed(secret), person)
            await tx.sessions.end(_hashed(replaced), now)
        row = SessionRow(
            id=_hashed(secret),
            person=person,
            auth_time=now if auth_time is None else min(now, auth_time),
            amr=amr,
            csrf=opaque("c", self._randomness, 16),
            seen_at=now,
            ends_at=now + self._settings.absolute,
            acr=acr,
            agent=agent[:LONGEST_AGENT],
        )
        await tx.sessions.add(row)
        found = await tx.people.by_id(person)
        assert found is not None
        return _session(row, found, secret)

    async def current(self, secret: str | None) -> Session | None:
        """The session of a cookie value, or None. Being seen prolongs it, at most once a minute."""
        if not secret or len(secret) > 200:
            return None
        now = self._clock.wall_us() // 1_000_000
        key = _hashed(secret)

        async def look(tx: Transaction) -> tuple[SessionRow, Session] | None:
            row = await tx.sessions.by_id(key)
            if row is None or not self._is_open(row, now):
                return None
            person = await tx.people.by_id(row.person)
            return None if person is None else (row, _session(row, person, secret))

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

    async def of(self, person: PersonId) -> tuple[OpenSession, ...]:
        """Every session in which this person is signed in now, the newest first (check 58)."""
        now = self._clock.wall_us() // 1_000_000
        rows = await self._work.read(lambda tx: tx.sessions.of(person, now))
        return tuple(
            OpenSession(row.id, row.agent, row.auth_time, row.seen_at, row.acr)
            for row in rows
            if self._is_open(row, now)
        )

    async def end(self, session: Session) -> None:
        """Sign out. Ending is always possible, also on a full disk."""
        await self.end_one(session.person, session.id)

    async def end_one(self, person: PersonId, id: str) -> bool:
        """End one of this person's sessions, in whichever browser it is; False when there is none such."""

        async def unit(tx: Transaction) -> bool:
            if not await tx.sessions.end_one(person, id, self._clock.wall_us() // 1_000_000):
                return False
            await self._tell(tx, person)
            return True

        return await self._work.write(unit, essential=True)

    async def end_others(self, session: Session) -> int:
        """End all of this person's sessions but this one; how many there were."""
        now = self._clock.wall_us() // 1_000_000

        async def unit(tx: Transaction) -> int:
            ended = 0
            for row in await tx.sessions.of(session.person, now):
                if row.id != session.id and await tx.sessions.end_one(session.person, row.id, now):
                    await self._tell(tx, session.person)
                    ended += 1
            return ended

        return await self._work.write(unit, essential=True)

    async def end_over(self, tx: Transaction, limit: int) -> int:
        """End sessions that time has ended, at most `limit`; how many. Nobody depends on it but who is to be told.

        They ended when their time was over, not when somebody looked: an end that is long past is old news.
        """
        if not self._settings.time_tells_apps:
            return 0
        rows = await tx.sessions.over(self._clock.wall_us() // 1_000_000, self._settings.idle, limit)
        for row in rows:
            await tx.sessions.end(row.id, self._over_at(row))
            await self._tell(tx, row.person, by_time=True)
        return len(rows)

    def _is_open(self, row: SessionRow, now: int) -> bool:
        return now < self._over_at(row)

    def _over_at(self, row: SessionRow) -> int:
        return min(row.ends_at, row.seen_at + self._settings.idle)

    async def _tell(self, tx: Transaction, person: PersonId, *, by_time: bool = False) -> None:
        now_us = self._clock.wall_us()
        await tx.outbox.append(
            Event(
                event_id=event_id(self._randomness, now_us),
                type=EventType.SIGN_OUT,
                t=now_us,
                act="end",
                res="session",
                out="permit",
                person=person,
                rsn="time" if by_time else None,
                actor=None if by_time else person,
            )
        )


def _session(row: SessionRow, person: PersonRow, secret: str) -> Session:
    return Session(row.id, row.person, person.username, person.name, row.auth_time, row.amr, row.csrf, secret, row.acr)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
