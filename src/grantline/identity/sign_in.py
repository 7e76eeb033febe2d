"""Sign in, step by step: a first factor, then a second one where there is one. Each step changes the browser's secret.

    password ─┐                 ┌─ code of an app ─┐
    upstream ─┼─ has a second? ─┼─ recovery code  ─┼─ session
    link ─────┘   no: session   └─ passkey ────────┘
    passkey ───────────────────────────────────────── session

Every way to the right leads through `Admission`.
"""

from dataclasses import dataclass

from grantline.identity import ceremonies, throttle
from grantline.identity.admission import (
    Admission,
    NeedsSecond,
    Outcome,
    TooMany,
    Visit,
    Wrong,
    account_key,
    address_key,
    has_second_factor,
    second_key,
)
from grantline.identity.ceremonies import Kind, SecondFactor
from grantline.identity.levels import ONE_FACTOR, Proof, satisfies
from grantline.identity.methods import password, recovery, totp
from grantline.identity.methods.password import Hashing
from grantline.identity.secrets_at_rest import SecretsAtRest
from grantline.identity.session import Session
from grantline.identity.store import PersonRow, Transaction
from grantline.model.clock import Clock
from grantline.model.events import EventType
from grantline.model.ids import PersonId, Randomness
from grantline.model.ports import Work

FIRST_FACTOR_S = 300
"""How long a first factor counts when a session is raised by a second one."""


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Who stands before the second step, and with what they may pass it. `recovery`: unused codes."""

    person: PersonId
    username: str
    name: str
    totp: bool
    passkeys: bool
    recovery: int


class SignIn:
    """First and second factors that are typed. Passkeys and other providers have files of their own."""

    def __init__(
        self,
        work: Work[Transaction],
        admission: Admission,
        *,
        hashing: Hashing,
        at_rest: SecretsAtRest,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._work = work
        self._admission = admission
        self._hashing = hashing
        self._at_rest = at_rest
        self._clock = clock
        self._randomness = randomness

    async def password(self, username: str, given: str, visit: Visit) -> Outcome:
        """The first step with a name and a password; the same answer for every reason to refuse (check 54)."""
        name = username.strip().casefold()[:200]
        keys, now = (account_key(name), address_key(visit)), self._now()

        async def look(tx: Transaction) -> tuple[int, PersonRow | None]:
            return await throttle.seconds_to_wait(tx, keys, now), await tx.people.by_username(name)

        wait, person = await self._work.read(look)
        if wait > 0:
            return TooMany(wait)
        right = await self._hashing.matches(person.password if person else None, given)

        async def unit(tx: Transaction) -> Outcome:
            # Asked again: of many tries at one moment only the free ones may learn whether they were right.
            wait = await throttle.seconds_to_wait(tx, keys, self._now())
            if wait > 0:
                return TooMany(wait)
            if person is None or not right:
                await throttle.note_failure(tx, keys, now)
                await self._admission.refuse(tx, person.id if person else None, "wrong")
                return Wrong()
            await throttle.note_success(tx, keys[0])
            return await self._admission.admit(tx, person.id, password.PROOF, visit)

        return await self._work.write(unit)

    async def waiting(self, step: str | None) -> SecondStep | None:
        """Who has begun and may go on with the second step; None when nobody has, or it took too long."""
        if not step:
            return None

        async def unit(tx: Transaction) -> SecondStep | None:
            begun = await ceremonies.find(tx, Kind.SECOND_FACTOR, step, SecondFactor, self._now())
            person = await tx.people.by_id(begun[0]) if begun and begun[0] else None
            if person is None:
                return None
            return SecondStep(
                person.id, person.username, person.name, await tx.totps.of(person.id) is not None,
                bool(await tx.passkeys.of(person.id)), await tx.recovery_codes.left(person.id) or 0,
            )  # fmt: skip

        return await self._work.read(unit)

    async def again(self, session: Session) -> NeedsSecond | None:
        """The second step alone, to raise a session whose first factor is fresh; None: start from the beginning."""

        async def unit(tx: Transaction) -> NeedsSecond | None:
            if not await self._goes_on(tx, session):
                return None
            begun = SecondFactor(amr=session.amr, acr=session.acr, proved_at=session.auth_time)
            return NeedsSecond(
                await ceremonies.begin(
                    tx, Kind.SECOND_FACTOR, begun, person=session.person, now=self._now(), randomness=self._randomness
                )
            )

        return await self._work.write(unit)

    async def may_go_on(self, session: Session) -> bool:
        """Whether `again` would go straight to the second step."""
        return await self._work.read(lambda tx: self._goes_on(tx, session))

    async def code(self, step: str, given: str, visit: Visit) -> Outcome | None:
        """The second step with a code of the person's app, or a recovery code. None: nothing was begun, or it is over.

        A wrong code leaves what was begun as it is; the throttle makes guessing slow, per person and per address.
        """

        async def unit(tx: Transaction) -> Outcome | None:
            now = self._now()
            begun = await ceremonies.find(tx, Kind.SECOND_FACTOR, step, SecondFactor, now)
            if begun is None or begun[0] is None:
                return None
            person, first = begun[0], Proof(begun[1].amr, begun[1].acr)
            keys = (second_key(person), address_key(visit))
            wait = await throttle.seconds_to_wait(tx, keys, now)
            if wait > 0:
                return TooMany(wait)
            proof = await self._proof_of(tx, person, given, now)
            if proof is None:
                await throttle.note_failure(tx, keys, now)
                await self._admission.refuse(tx, person, "wrong_code")
                return Wrong()
            if await ceremonies.finish(tx, Kind.SECOND_FACTOR, step, SecondFactor, now) is None:
                return None
            await throttle.note_success(tx, keys[0])
            return await self._admission.admit(tx, person, first.followed_by(proof), visit)

        return await self._work.write(unit)

    async def _goes_on(self, tx: Transaction, session: Session) -> bool:
        fresh = session.acr in ONE_FACTOR and satisfies(session, (), FIRST_FACTOR_S, self._now())
        return fresh and await has_second_factor(tx, session.person)

    async def _proof_of(self, tx: Transaction, person: PersonId, given: str, now: int) -> Proof | None:
        """What a typed code shows; it counts from then on as used."""
        row = await tx.totps.of(person)
        if row is not None:
            step = totp.counter_of(self._at_rest.open_totp(row), given, now, row.last_step)
            if step is not None and await tx.totps.used(person, step):
                return totp.PROOF
        digest = recovery.digest(self._at_rest.recovery, person, given)
        if digest is None or not await has_second_factor(tx, person):
            return None
        if not await tx.recovery_codes.spend(person, digest, now):
            return None
        left = await tx.recovery_codes.left(person)
        await self._admission.tell(tx, EventType.METHOD_USED_UP, person, {"left": left}, act="use_up", res="method")
        return recovery.PROOF

    def _now(self) -> int:
        return self._clock.wall_us() // 1_000_000
