"""One-time links by which a person sets a password, the first or a new one (check 55).

The store keeps only a hash of each link's token.
"""

import hashlib
import secrets
from dataclasses import replace

from grantline.identity.admission import Admission, NeedsSecond, Visit
from grantline.identity.methods.password import PROOF, Hashing
from grantline.identity.passwords import AlsoEnds, end_with_password
from grantline.identity.session import Session, Sessions
from grantline.identity.store import EnrolmentRow, PersonRow, Transaction
from grantline.model.clock import Clock
from grantline.model.errors import Conflict, NotFound
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, Randomness, event_id, opaque
from grantline.model.ports import Work

LIFETIME = 1_800
NOWHERE = Visit("")
_GONE = "This link was used before or is over. Ask for a new one."


class Enrolment:
    """Makes links and turns them into people who can sign in."""

    def __init__(
        self, work: Work[Transaction], sessions: Sessions, hashing: Hashing, clock: Clock,
        randomness: Randomness = secrets.token_bytes, *, also_ends: AlsoEnds | None = None,
    ) -> None:  # fmt: skip
        """`also_ends`: what ends with a password that a link replaces, besides sessions."""
        self._work = work
        self._admission = Admission(sessions, clock, randomness)
        self._hashing = hashing
        self._clock = clock
        self._randomness = randomness
        self._also_ends = also_ends

    async def first_operator(self) -> str | None:
        """The token of a link for the first operator, if the store holds nobody yet (30 minutes, one use)."""

        async def unit(tx: Transaction) -> str | None:
            return await self._link(tx, None) if await tx.people.count() == 0 else None

        return await self._work.write(unit)

    async def link_for(self, person: PersonId) -> str:
        """The token of a link by which this person sets a password."""
        return await self._work.write(lambda tx: self._link(tx, person))

    async def waiting(self, token: str) -> PersonRow | None:
        """Whom a link is for (None: the first operator, who still chooses a name); `NotFound` if it is over."""
        now = self._now()

        async def look(tx: Transaction) -> PersonRow | None:
            row = await tx.enrolments.find(_hashed(token), now)
            if row is None:
                raise NotFound(_GONE)
            return await tx.people.by_id(row.person) if row.person else None

        return await self._work.read(look)

    async def complete(self, token: str, username: str, password: str, visit: Visit = NOWHERE) -> Session | NeedsSecond:
        """Use the link up: the person has a password and is signed in, after the second factor where there is one.

        A wrong password leaves the link as it is.
        """
        await self.waiting(token)
        encoded = await self._hashing.hash(password)
        name = username.strip().casefold()
        return await self._work.write(lambda tx: self._enrol(tx, token, name, encoded, visit))

    async def _enrol(
        self, tx: Transaction, token: str, username: str, encoded: str, visit: Visit
    ) -> Session | NeedsSecond:
        row = await tx.enrolments.burn(_hashed(token), self._now())
        if row is None:
            raise NotFound(_GONE)
        # Whoever else was sent one must not undo with it what this one does (check 55).
        await tx.enrolments.end_all(row.person, self._now())
        person = await self._person(tx, row, username)
        await tx.people.put(replace(person, password=encoded))
        if person.password is not None:
            await end_with_password(tx, person.id, self._clock, self._randomness, self._also_ends)
        now_us = self._clock.wall_us()
        await tx.outbox.append(
            Event(
                event_id=event_id(self._randomness, now_us),
                type=EventType.PERSON_ENROLLED,
                t=now_us,
                act="enrol",
                res="person",
                out="permit",
                person=person.id,
                actor=person.id,
            )
        )
        outcome = await self._admission.admit(tx, person.id, PROOF, visit)
        if not isinstance(outcome, (Session, NeedsSecond)):
            raise NotFound(_GONE)
        return outcome

    async def _person(self, tx: Transaction, row: EnrolmentRow, username: str) -> PersonRow:
        if row.person:
            found = await tx.people.by_id(row.person)
            if found is None or found.locked_at is not None:
                raise NotFound(_GONE)
            return found
        if not username or len(username) > 100:
            raise Conflict("Choose a user name.")
        if await tx.people.by_username(username) is not None:
            raise Conflict("This user name is taken.")
        return PersonRow(PersonId(opaque("p", self._randomness)), username, username, None, ("operator",), {})

    async def _link(self, tx: Transaction, person: PersonId | None) -> str:
        token = opaque("e", self._randomness, 32)
        await tx.enrolments.add(EnrolmentRow(_hashed(token), person, self._now() + LIFETIME))
        return token

    def _now(self) -> int:
        return self._clock.wall_us() // 1_000_000


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
