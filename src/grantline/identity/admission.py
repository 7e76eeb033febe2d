"""The one door to a session: whoever has a second factor passes it first, whatever the first one was (check 56)."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal

from grantline.identity import ceremonies
from grantline.identity.ceremonies import Kind, SecondFactor
from grantline.identity.levels import Proof, satisfies
from grantline.identity.session import Session, Sessions
from grantline.identity.store import Transaction
from grantline.model.clock import Clock
from grantline.model.errors import LoginRequired
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, Randomness, event_id

CHANGE_WITHIN_S = 600
"""How recent a sign-in has to be for changing how one signs in."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What was shown does not fit. Says no more, for any reason."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """Too many attempts; try again after so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class NeedsSecond:
    """The first factor was right. `secret` names what was begun, for a cookie of its own; it opens no page."""

    secret: str


@dataclass(frozen=True, slots=True)
class Visit:
    """The browser that somebody signs in with. `address`: for throttling. `agent`: its kind, as sessions list it.

    `replaced`: the value of the session cookie it came with; that session ends on success (check 35).
    """

    address: str
    agent: str = ""
    replaced: str | None = None


Outcome = Session | NeedsSecond | Wrong | TooMany


class Admission:
    """Begins sessions and tells the record of every attempt."""

    def __init__(self, sessions: Sessions, clock: Clock, randomness: Randomness = secrets.token_bytes) -> None:
        self._sessions = sessions
        self._clock = clock
        self._randomness = randomness

    async def admit(
        self, tx: Transaction, person: PersonId, proof: Proof, visit: Visit
    ) -> Session | NeedsSecond | Wrong:
        """A session, or what is still due. Call it in the unit that found the proof good.

        `Wrong` for who is locked: the page does not tell who that is.
        """
        if await is_locked(tx, person):
            await self.refuse(tx, person, "locked")
            return Wrong()
        if proof.is_one_factor and await has_second_factor(tx, person):
            begun = SecondFactor(amr=proof.amr, acr=proof.acr, proved_at=self.now())
            secret = await ceremonies.begin(
                tx, Kind.SECOND_FACTOR, begun, person=person, now=self.now(), randomness=self._randomness
            )
            return NeedsSecond(secret)
        session = await self._sessions.begin(
            tx, person, proof.amr, visit.replaced, acr=proof.acr, agent=visit.agent, auth_time=proof.at
        )
        await self.tell(tx, EventType.SIGN_IN, person, {"acr": proof.acr, "amr": list(proof.amr)})
        return session

    async def renew(self, tx: Transaction, session: Session, visit: Visit) -> Session:
        """The same sign-in under a new secret, after what ended the old one: nobody else holds it (check 35)."""
        return await self._sessions.begin(
            tx, session.person, session.amr, session.secret, acr=session.acr, agent=visit.agent
        )

    async def raised(self, tx: Transaction, session: Session, shown: Proof, visit: Visit) -> Session:
        """The session of somebody who has just taken a second factor into use, and thereby shown it.

        Where it was one factor so far, another one begins that counts both; otherwise it stays as it is.
        """
        proof = Proof(session.amr, session.acr)
        if not proof.is_one_factor:
            return session
        both = proof.followed_by(shown)
        return await self._sessions.begin(tx, session.person, both.amr, session.secret, acr=both.acr, agent=visit.agent)

    async def require_fresh(self, tx: Transaction, session: Session) -> None:
        """Raises `LoginRequired` unless this sign-in is recent, and by two factors where the person has two."""
        one_factor = Proof(session.amr, session.acr).is_one_factor
        enough = satisfies(session, (), CHANGE_WITHIN_S, self.now())
        if not enough or (one_factor and await has_second_factor(tx, session.person)):
            raise LoginRequired("Sign in again to change how you sign in.")

    async def refuse(self, tx: Transaction, person: PersonId | None, why: str) -> None:
        """Record an attempt that failed. `why`: a word for the record, never for the page."""
        await self.tell(tx, EventType.SIGN_IN_FAILED, person, out="deny", why=why)

    async def changed(
        self, tx: Transaction, kind: EventType, person: PersonId, method: str, by: str = "person"
    ) -> None:
        """Record that a way to sign in was added or removed. Its kind alone is told: no key, name or address."""
        act = {EventType.METHOD_ADDED: "add", EventType.METHOD_REMOVED: "remove"}[kind]
        await self.tell(tx, kind, person, {"method": method, "by": by}, act=act, res="method")

    async def tell(
        self,
        tx: Transaction,
        kind: EventType,
        person: PersonId | None,
        detail: dict[str, object] | None = None,
        *,
        act: str = "sign_in",
        res: str = "session",
        out: Literal["permit", "deny"] = "permit",
        why: str | None = None,
    ) -> None:
        """Append an event about signing in."""
        now_us = self._clock.wall_us()
        await tx.outbox.append(
            Event(
                event_id=event_id(self._randomness, now_us),
                type=kind,
                t=now_us,
                act=act,
                res=res,
                out=out,
                rsn=why,
                person=person,
                actor=person,
                detail=detail or {},
            )
        )

    def now(self) -> int:
        """Unix seconds."""
        return self._clock.wall_us() // 1_000_000


async def has_second_factor(tx: Transaction, person: PersonId) -> bool:
    """Whether this person can be asked for more than one factor. Recovery codes alone are none: they replace one."""
    return await tx.totps.of(person) is not None or bool(await tx.passkeys.of(person))


async def is_locked(tx: Transaction, person: PersonId) -> bool:
    """Whether nobody gets in as this person; who is not here is locked out too."""
    found = await tx.people.by_id(person)
    return found is None or found.locked_at is not None


def account_key(username: str) -> str:
    """The throttle's name of an account, known or not."""
    return f"account:{hashlib.sha256(username.encode()).hexdigest()}"


def address_key(visit: Visit) -> str:
    """The throttle's name of where somebody comes from."""
    return f"address:{visit.address}"


def second_key(person: PersonId) -> str:
    """The throttle's name of a person's second factor: who has the password guesses no faster for it."""
    return f"second:{person}"
