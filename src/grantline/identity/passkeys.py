"""Passkeys in use: somebody signs in with one, or adds one. The rules of the signatures are in `methods/passkey.py`."""

from dataclasses import dataclass, field

from grantline.identity import ceremonies, throttle
from grantline.identity.admission import Admission, Outcome, TooMany, Visit, Wrong, address_key
from grantline.identity.ceremonies import Challenge, Kind, SecondFactor
from grantline.identity.levels import Proof
from grantline.identity.methods import passkey
from grantline.identity.methods.passkey import Place, Refused
from grantline.identity.methods.store import PasskeyRow
from grantline.identity.session import Session
from grantline.identity.store import Transaction
from grantline.model.clock import Clock
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.model.events import EventType
from grantline.model.ids import PersonId, Randomness
from grantline.model.ports import Work

MOST = 20
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser's authenticator is asked. `handle` comes back with its answer; `options` is WebAuthn's JSON."""

    handle: str = field(repr=False)
    options: str


class Passkeys:
    """Signing in with passkeys, and adding them."""

    def __init__(
        self, work: Work[Transaction], admission: Admission, *, place: Place, clock: Clock, randomness: Randomness
    ) -> None:
        self._work = work
        self._admission = admission
        self._place = place
        self._clock = clock
        self._randomness = randomness

    async def ask(self, browser: str, step: str | None = None) -> Asked:
        """A challenge to sign in with. `browser`: a secret of this browser. `step`: after another factor, see `SignIn`.

        Nothing tells which accounts have passkeys: without `step` the device itself offers what it has.
        """
        challenge = self._randomness(passkey.CHALLENGE_BYTES)

        async def unit(tx: Transaction) -> Asked:
            now, person = self._now(), None
            if step is not None:
                begun = await ceremonies.find(tx, Kind.SECOND_FACTOR, step, SecondFactor, now)
                if begun is None:
                    raise NotFound("This sign-in is over.")
                person = begun[0]
            known = () if person is None else await tx.passkeys.of(person)
            body = Challenge(challenge=challenge, browser=ceremonies.hashed(browser))
            handle = await self._begin(tx, Kind.PASSKEY_SIGN_IN, body, person)
            return Asked(handle, passkey.options_to_sign(self._place, known, challenge))

        return await self._work.write(unit)

    async def sign_in(
        self, handle: str, credential: str, browser: str, visit: Visit, step: str | None = None
    ) -> Outcome | None:
        """Sign in with an authenticator's answer; each challenge counts once. None: nothing was begun here."""

        async def unit(tx: Transaction) -> Outcome | None:
            now, keys = self._now(), (address_key(visit),)
            wait = await throttle.seconds_to_wait(tx, keys, now)
            if wait > 0:
                return TooMany(wait)
            begun = await ceremonies.finish(tx, Kind.PASSKEY_SIGN_IN, handle, Challenge, now)
            if begun is None or begun[1].browser != ceremonies.hashed(browser):
                return None
            if (begun[0] is None) != (step is None):
                return None
            found = await self._signed(tx, credential, begun[1].challenge, now)
            if isinstance(found, Refused) or begun[0] not in {None, found.person}:
                await throttle.note_failure(tx, keys, now)
                return Wrong()
            proof = await self._proof(tx, step, found.person, now)
            return None if proof is None else await self._admission.admit(tx, found.person, proof, visit)

        return await self._work.write(unit)

    async def ask_to_add(self, session: Session) -> Asked:
        """A challenge by which this person's device makes a passkey."""
        challenge = self._randomness(passkey.CHALLENGE_BYTES)

        async def unit(tx: Transaction) -> Asked:
            await self._admission.require_fresh(tx, session)
            known = await tx.passkeys.of(session.person)
            if len(known) >= MOST:
                raise Conflict(f"You have {MOST} passkeys. Remove one first.")
            body = Challenge(challenge=challenge, browser=session.id)
            handle = await self._begin(tx, Kind.NEW_PASSKEY, body, session.person)
            options = passkey.options_to_make(
                self._place, session.person, (session.username, session.name), known, challenge
            )
            return Asked(handle, options)

        return await self._work.write(unit)

    async def add(self, session: Session, handle: str, credential: str, name: str, visit: Visit) -> Session:
        """Keep the passkey that a device made. Raises `InvalidRequest` or `Conflict` with words for the person.

        The session goes on as one by a passkey: it may be a new one.
        """
        called = " ".join(name.split())
        if not 0 < len(called) <= LONGEST_NAME:
            raise InvalidRequest(f"Give it a name of at most {LONGEST_NAME} characters.")

        async def unit(tx: Transaction) -> Session:
            await self._admission.require_fresh(tx, session)
            now = self._now()
            begun = await ceremonies.finish(tx, Kind.NEW_PASSKEY, handle, Challenge, now)
            if begun is None or begun[0] != session.person or begun[1].browser != session.id:
                raise InvalidRequest("This took too long. Try again.", detail="no such challenge")
            made = passkey.made(self._place, credential, begun[1].challenge)
            row = PasskeyRow(
                made.id, session.person, called, made.public_key, made.counter, made.synced, now
            )  # fmt: skip
            if not await tx.passkeys.add(row):
                raise Conflict("This passkey is known already.")
            await self._admission.changed(tx, EventType.METHOD_ADDED, session.person, passkey.METHOD)
            return await self._admission.raised(tx, session, passkey.PROOF, visit)

        return await self._work.write(unit)

    async def _signed(self, tx: Transaction, credential: str, challenge: bytes, now: int) -> PasskeyRow | Refused:
        """The passkey that signed, its new count kept; refusals are recorded."""
        row = None
        try:
            row = await tx.passkeys.get(passkey.named_in(credential))
            if row is None:
                raise Refused("nobody has this passkey")
            count = passkey.counted(self._place, credential, challenge, row)
            if not await tx.passkeys.used(row.id, row.counter, count, now):
                raise Refused("used elsewhere in the same moment")
        except Refused as refused:
            person = None if row is None else row.person
            await self._admission.refuse(tx, person, "copied_passkey" if refused.went_back else "wrong_passkey")
            if refused.went_back:
                await self._admission.tell(
                    tx, EventType.FINDING, person, act="raise", res="finding", out="deny", why="passkey_count_went_back"
                )
            return refused
        return row

    async def _proof(self, tx: Transaction, step: str | None, person: PersonId, now: int) -> Proof | None:
        """A passkey alone, or after what was shown before; None when that is over, or was another's."""
        if step is None:
            return passkey.PROOF
        begun = await ceremonies.finish(tx, Kind.SECOND_FACTOR, step, SecondFactor, now)
        if begun is None or begun[0] != person:
            return None
        return Proof(begun[1].amr, begun[1].acr).followed_by(passkey.PROOF)

    async def _begin(self, tx: Transaction, kind: Kind, body: Challenge, person: PersonId | None) -> str:
        return await ceremonies.begin(tx, kind, body, person=person, now=self._now(), randomness=self._randomness)

    def _now(self) -> int:
        return self._clock.wall_us() // 1_000_000
