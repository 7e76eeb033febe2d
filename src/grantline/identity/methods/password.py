"""Sign in with a password: argon2id (RFC 9106), a few at a time, throttled, the same for unknown names."""

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from grantline.identity import throttle
from grantline.identity.session import Session, Sessions
from grantline.identity.store import PersonRow, Transaction
from grantline.model.clock import Clock
from grantline.model.errors import InvalidRequest
from grantline.model.events import Event, EventType
from grantline.model.ids import Randomness, event_id
from grantline.model.ports import Work

SHORTEST = 12
LONGEST = 256
AMR = ("pwd",)


@dataclass(frozen=True, slots=True)
class Wrong:
    """The name and password do not go together. Says no more, for any reason."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """Too many attempts; try again after so many seconds."""

    seconds: int


Outcome = Session | Wrong | TooMany


class Hashing:
    """argon2id in a bounded pool: each takes tens of milliseconds and 19 MiB (OWASP profile: t=2, m=19 MiB, p=1)."""

    def __init__(self, workers: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The encoded hash of an acceptable password; `InvalidRequest` says what is wrong with another."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidRequest(f"Use {SHORTEST} to {LONGEST} characters.")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, password)

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether they match; takes as long for a person without a password as for one with."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._verify, encoded, password[:LONGEST])

    def _verify(self, encoded: str | None, password: str) -> bool:
        try:
            self._hasher.verify(encoded or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return encoded is not None


class PasswordSignIn:
    """From a name and a password to a session."""

    def __init__(
        self, work: Work[Transaction], sessions: Sessions, hashing: Hashing, clock: Clock,
        randomness: Randomness = secrets.token_bytes,
    ) -> None:  # fmt: skip
        self._work = work
        self._sessions = sessions
        self._hashing = hashing
        self._clock = clock
        self._randomness = randomness

    async def password(self, username: str, password: str, address: str, replaced: str | None = None) -> Outcome:
        """Try to sign in. `address`: of the browser. `replaced`: cookie value the browser had, ended on success."""
        name = username.strip().casefold()[:200]
        account, origin = f"account:{hashlib.sha256(name.encode()).hexdigest()}", f"address:{address}"
        now = self._clock.wall_us() // 1_000_000

        async def look(tx: Transaction) -> tuple[int, PersonRow | None]:
            wait = await throttle.seconds_to_wait(tx, (account, origin), now)
            return wait, await tx.people.by_username(name)

        wait, person = await self._work.read(look)
        if wait > 0:
            return TooMany(wait)
        if not await self._hashing.matches(person.password if person else None, password) or person is None:
            await self._work.write(lambda tx: self._refuse(tx, (account, origin), person, now))
            return Wrong()
        found = person
        return await self._work.write(lambda tx: self._admit(tx, found, account, replaced))

    async def _admit(self, tx: Transaction, person: PersonRow, account: str, replaced: str | None) -> Session:
        await throttle.note_success(tx, account)
        session = await self._sessions.begin(tx, person.id, AMR, replaced)
        await tx.outbox.append(self._event(EventType.SIGN_IN, person, "permit"))
        return session

    async def _refuse(self, tx: Transaction, keys: tuple[str, ...], person: PersonRow | None, now: int) -> None:
        await throttle.note_failure(tx, keys, now)
        await tx.outbox.append(self._event(EventType.SIGN_IN_FAILED, person, "deny"))

    def _event(self, type_: EventType, person: PersonRow | None, out: Literal["permit", "deny"]) -> Event:
        now_us = self._clock.wall_us()
        who = person.id if person else None
        return Event(
            event_id=event_id(self._randomness, now_us),
            type=type_,
            t=now_us,
            act="sign_in",
            res="session",
            out=out,
            rsn=None if out == "permit" else "wrong",
            person=who,
            actor=who,
        )
