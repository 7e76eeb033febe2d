"""What a person signs in with, as they see and change it themselves. Never the last way in is taken away."""

from dataclasses import dataclass, field, replace

from grantline.identity import ceremonies, throttle
from grantline.identity.admission import Admission, TooMany, Visit, Wrong, account_key, address_key, has_second_factor
from grantline.identity.ceremonies import Kind, NewTotp
from grantline.identity.methods import passkey, password, recovery, totp
from grantline.identity.methods.password import Hashing
from grantline.identity.methods.store import LinkRow, PasskeyRow, TotpRow
from grantline.identity.passwords import AlsoEnds, end_with_password
from grantline.identity.secrets_at_rest import SecretsAtRest
from grantline.identity.session import Session
from grantline.identity.store import Transaction
from grantline.model.clock import Clock
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.model.events import EventType
from grantline.model.ids import PersonId, Randomness
from grantline.model.ports import Work


@dataclass(frozen=True, slots=True)
class Methods:
    """Everything a person has. `recovery`: unused codes, None when none were made; `totp_since`: unix seconds."""

    password: bool
    passkeys: tuple[PasskeyRow, ...]
    totp_since: int | None
    recovery: int | None
    links: tuple[LinkRow, ...]

    @property
    def ways_in(self) -> int:
        """How many things each lead to a session by themselves."""
        return int(self.password) + len(self.passkeys) + len(self.links)

    @property
    def second_factor(self) -> bool:
        """Whether a password alone is not enough."""
        return self.totp_since is not None or bool(self.passkeys)


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """A secret shown once. `handle` comes back with the first code."""

    handle: str = field(repr=False)
    secret: str = field(repr=False)
    uri: str = field(repr=False)


class OwnMethods:
    """Looking at one's methods, adding and removing them. Every change takes a recent sign-in: `LoginRequired` else."""

    def __init__(
        self,
        work: Work[Transaction],
        admission: Admission,
        *,
        hashing: Hashing,
        at_rest: SecretsAtRest,
        clock: Clock,
        randomness: Randomness,
        also_ends: AlsoEnds | None = None,
    ) -> None:
        """`also_ends`: what ends with an old password, besides sessions."""
        self._work = work
        self._admission = admission
        self._hashing = hashing
        self._at_rest = at_rest
        self._clock = clock
        self._randomness = randomness
        self._also_ends = also_ends

    async def of(self, person: PersonId) -> Methods:
        """What this person has."""
        return await self._work.read(lambda tx: methods_of(tx, person))

    async def require_fresh(self, session: Session) -> None:
        """Raises `LoginRequired` unless this sign-in is recent, and by two factors where the person has two."""
        await self._work.read(lambda tx: self._admission.require_fresh(tx, session))

    async def offer_totp(self, session: Session, operator: str) -> TotpOffer:
        """A new secret for an app. Nothing changes before a code of it comes back."""
        secret = totp.new_secret(self._randomness)

        async def unit(tx: Transaction) -> str:
            await self._admission.require_fresh(tx, session)
            if await tx.totps.of(session.person) is not None:
                raise Conflict("You have an app for codes already. Remove it first.")
            body = NewTotp(sealed=self._at_rest.seal_totp(session.person, secret))
            return await ceremonies.begin(
                tx, Kind.NEW_TOTP, body, person=session.person, now=self._now(), randomness=self._randomness
            )

        handle = await self._work.write(unit)
        return TotpOffer(handle, secret, totp.enrolling(secret, session.username, operator).uri)

    async def offered_totp(self, session: Session, handle: str, operator: str) -> TotpOffer:
        """The same offer again, after a mistyped code. Raises `NotFound` when it is over."""

        async def unit(tx: Transaction) -> bytes:
            begun = await ceremonies.find(tx, Kind.NEW_TOTP, handle, NewTotp, self._now())
            if begun is None or begun[0] != session.person:
                raise NotFound("This took too long. Start again.")
            return begun[1].sealed

        secret = self._at_rest.unseal_totp(session.person, await self._work.read(unit))
        return TotpOffer(handle, secret, totp.enrolling(secret, session.username, operator).uri)

    async def add_totp(self, session: Session, handle: str, code: str, visit: Visit) -> Session | Wrong:
        """Take the app into use: its first code proves that it works. Raises `NotFound` when the offer is over.

        The session goes on in two steps: it may be a new one.
        """

        async def unit(tx: Transaction) -> Session | Wrong:
            await self._admission.require_fresh(tx, session)
            now = self._now()
            begun = await ceremonies.find(tx, Kind.NEW_TOTP, handle, NewTotp, now)
            if begun is None or begun[0] != session.person:
                raise NotFound("This took too long. Start again.")
            step = totp.counter_of(self._at_rest.unseal_totp(session.person, begun[1].sealed), code, now, -1)
            if step is None:
                return Wrong()
            await ceremonies.finish(tx, Kind.NEW_TOTP, handle, NewTotp, now)
            await tx.totps.put(TotpRow(session.person, begun[1].sealed, step, now))
            await self._admission.changed(tx, EventType.METHOD_ADDED, session.person, totp.METHOD)
            return await self._admission.raised(tx, session, totp.PROOF, visit)

        return await self._work.write(unit)

    async def remove_totp(self, session: Session) -> None:
        """Take the app for codes away."""

        async def unit(tx: Transaction) -> None:
            await self._admission.require_fresh(tx, session)
            if not await tx.totps.remove(session.person):
                raise NotFound("There is no app for codes.")
            await self._admission.changed(tx, EventType.METHOD_REMOVED, session.person, totp.METHOD)
            await self._codes_follow(tx, session.person)

        await self._work.write(unit)

    async def remove_passkey(self, session: Session, id: str) -> None:
        """Take one passkey away. Raises `Conflict` when nothing else would lead in, `NotFound` when it is none."""

        async def unit(tx: Transaction) -> None:
            await self._admission.require_fresh(tx, session)
            await self._require_another_way(tx, session.person)
            if not await tx.passkeys.remove(session.person, id):
                raise NotFound("There is no such passkey.")
            await self._admission.changed(tx, EventType.METHOD_REMOVED, session.person, passkey.METHOD)
            await self._codes_follow(tx, session.person)

        await self._work.write(unit)

    async def remove_link(self, session: Session, issuer: str) -> None:
        """Take the account elsewhere away. Raises as `remove_passkey`."""

        async def unit(tx: Transaction) -> None:
            await self._admission.require_fresh(tx, session)
            await self._require_another_way(tx, session.person)
            if not await tx.links.remove(session.person, issuer):
                raise NotFound("There is no such account.")
            await self._admission.changed(tx, EventType.METHOD_REMOVED, session.person, "upstream")

        await self._work.write(unit)

    async def new_recovery_codes(self, session: Session) -> tuple[str, ...]:
        """Ten new codes, to be shown once; earlier ones stop working. Raises `Conflict` without a second factor."""
        codes = recovery.new_codes(self._randomness)
        digests = tuple(
            digest for code in codes if (digest := recovery.digest(self._at_rest.recovery, session.person, code))
        )

        async def unit(tx: Transaction) -> None:
            await self._admission.require_fresh(tx, session)
            if not await has_second_factor(tx, session.person):
                raise Conflict("Add a passkey or an app for codes first.")
            await tx.recovery_codes.replace(session.person, digests)
            await self._admission.changed(tx, EventType.METHOD_ADDED, session.person, recovery.METHOD)

        await self._work.write(unit)
        return codes

    async def change_password(
        self, session: Session, current: str, new: str, visit: Visit
    ) -> Session | Wrong | TooMany:
        """Put a new password in place of the current one, or the first one where there is none.

        Every session ends; the one returned is new. Raises `InvalidRequest` on a password that cannot be.
        """
        key, now = account_key(session.username), self._now()
        keys = (key, address_key(visit))
        person = await self._work.read(lambda tx: tx.people.by_id(session.person))
        if person is None:
            raise NotFound("There is no such person.")
        if wait := await self._work.read(lambda tx: throttle.seconds_to_wait(tx, keys, now)):
            return TooMany(wait)
        if person.password is not None and not await self._hashing.matches(person.password, current):

            async def refused(tx: Transaction) -> Wrong | TooMany:
                if wait := await throttle.seconds_to_wait(tx, keys, self._now()):
                    return TooMany(wait)
                await throttle.note_failure(tx, keys, now)
                await self._admission.refuse(tx, person.id, "wrong")
                return Wrong()

            return await self._work.write(refused)
        if current == new and person.password is not None:
            raise InvalidRequest("Choose another password than the current one.")
        encoded = await self._hashing.hash(new)

        async def unit(tx: Transaction) -> Session | TooMany:
            await self._admission.require_fresh(tx, session)
            # Asked again, as at the sign-in: of many tries at one moment only the free ones may learn anything.
            if wait := await throttle.seconds_to_wait(tx, keys, self._now()):
                return TooMany(wait)
            latest = await tx.people.by_id(person.id)
            if latest is None or latest.password != person.password:
                raise Conflict("The password was changed meanwhile.")
            await tx.people.put(replace(latest, password=encoded))
            await throttle.note_success(tx, key)
            if latest.password is None:
                await self._admission.changed(tx, EventType.METHOD_ADDED, person.id, password.METHOD)
            await end_with_password(tx, person.id, self._clock, self._randomness, self._also_ends)
            return await self._admission.renew(tx, session, visit)

        return await self._work.write(unit)

    async def _require_another_way(self, tx: Transaction, person: PersonId) -> None:
        if (await methods_of(tx, person)).ways_in < 2:
            raise Conflict("This is your only way to sign in. Add another one first.")

    async def _codes_follow(self, tx: Transaction, person: PersonId) -> None:
        """Recovery codes stand for a second factor; without any they would be a leftover."""
        if not await has_second_factor(tx, person) and await tx.recovery_codes.left(person) is not None:
            await tx.recovery_codes.replace(person, ())
            await self._admission.changed(tx, EventType.METHOD_REMOVED, person, recovery.METHOD)

    def _now(self) -> int:
        return self._clock.wall_us() // 1_000_000


async def methods_of(tx: Transaction, person: PersonId) -> Methods:
    """What this person has."""
    found = await tx.people.by_id(person)
    app = await tx.totps.of(person)
    return Methods(
        password=found is not None and found.password is not None,
        passkeys=await tx.passkeys.of(person),
        totp_since=None if app is None else app.made_at,
        recovery=await tx.recovery_codes.left(person),
        links=await tx.links.of(person),
    )


async def forget_second_factors(tx: Transaction, admission: Admission, person: PersonId) -> int:
    """Take away passkeys, app and codes of somebody who lost them, as the operator's help; how many there were."""
    had = await methods_of(tx, person)
    for each in had.passkeys:
        await tx.passkeys.remove(person, each.id)
    await tx.totps.remove(person)
    await tx.recovery_codes.replace(person, ())
    gone = [passkey.METHOD] * len(had.passkeys)
    gone += [totp.METHOD] * (had.totp_since is not None) + [recovery.METHOD] * (had.recovery is not None)
    for method in gone:
        await admission.changed(tx, EventType.METHOD_REMOVED, person, method, "operator")
    return len(gone)
