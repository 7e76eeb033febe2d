"""Records what a person decided: asked, given, refused, narrowed, renewed, withdrawn, revoked, expired.

Each act takes the caller's transaction, so that codes, tokens and consents change in one unit. Guards come before the
first write: a refused act has written nothing; what storage itself refuses is a `Conflict` and must undo the unit.
Withdrawal needs nobody else and no catalog.
"""

from dataclasses import dataclass, field

import msgspec

from grantline.catalog import Asked, Catalog, to_detail
from grantline.consent import descent, guards, telling, words
from grantline.consent import transitions as t
from grantline.consent.changing import Change
from grantline.consent.offer import Approval
from grantline.consent.scopes import granted_scope
from grantline.consent.settings import Settings
from grantline.consent.store import DescentTransaction, Transaction
from grantline.consent.versions import compose, narrower
from grantline.model.clock import Clock
from grantline.model.consent import Ceremony, Item, State, Status, Version
from grantline.model.errors import InvalidGrant
from grantline.model.feed import Entry
from grantline.model.ids import ClientId, ConsentId, PersonId, Randomness, SubjectId, opaque

SWEEP = 200


@dataclass(frozen=True, slots=True)
class Ending:
    """How a consent ended. `entry`: the feed's line to follow until it is closed; None when it had ended before."""

    state: State
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Amended:
    """The version that holds now, and the feed's line that cut off the tokens of the one before."""

    state: State
    version: Version
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """All acts on consents. Time and randomness are handed in; `settings.longest_token` bounds the feed's memory."""

    clock: Clock
    randomness: Randomness
    settings: Settings = field(default_factory=Settings)

    async def request(
        self,
        tx: Transaction,
        *,
        person: PersonId,
        subject: SubjectId,
        client: ClientId,
        asked: tuple[Asked, ...],
        scope: str,
    ) -> State:
        """T1: a signed-in person is about to be asked. Makes the consent's id; nothing is granted by it."""
        at_us = self.clock.wall_us()
        state = State(
            consent_id=ConsentId(opaque("g", self.randomness)),
            person=person,
            subject=subject,
            client=client,
            status=t.REQUEST.target,
            version=0,
            epoch=0,
            min_epoch=0,
            confirmed_at=0,
            created_at=at_us // 1_000_000,
        )
        await tx.consents.add(state)
        detail: dict[str, object] = {"requested": [to_detail(one.item) for one in asked], "scope": scope}
        await telling.tell(tx, self._means, t.REQUEST, state, telling.Told(detail=detail, actor=person))
        return state

    async def refuse(self, tx: Transaction, *, consent: ConsentId, person: PersonId, ceremony: str) -> State:
        """T2: the person said no. Recorded as evidence; `ceremony` is the id of the sign-in it was said under.

        Raises `NotFound` for another person's consent, `Conflict` if it was answered before.
        """
        before = await guards.owned(tx, consent, person)
        told = telling.Told(detail={}, reason=t.REFUSE.target, actor=person, ceremony=ceremony)
        return await self._close_question(tx, before, t.REFUSE, told)

    async def lapse_due(self, tx: Transaction) -> int:
        """T2 by the clock: questions that nobody answered in time; how many (at most 200, call again)."""
        now = self.clock.wall_us() // 1_000_000
        waiting = await tx.consents.unanswered(now - self.settings.answer_within, limit=SWEEP)
        for state in waiting:
            await self._close_question(tx, state, t.LAPSE, telling.Told(detail={}, reason=t.LAPSE.target))
        return len(waiting)

    async def give(
        self,
        tx: Transaction,
        *,
        catalog: Catalog,
        consent: ConsentId,
        person: PersonId,
        approval: Approval,
    ) -> tuple[State, Version]:
        """T4: the person said yes. Version 1, epoch 1, in one unit with its event.

        What was agreed is checked here once more against what was asked, the client's ceiling and the purposes (I1).
        Raises `NotFound`, `Conflict` (answered or lapsed), `InvalidRequest` (wider than asked, or a wrong end).
        """
        before = await guards.owned(tx, consent, person)
        t.check(t.GIVE, before.status)
        now = self.clock.wall_us() // 1_000_000
        guards.in_time(before, now, self.settings.answer_within)
        agreement = guards.agreement(catalog, before, approval, now)
        after = msgspec.structs.replace(before, status=t.GIVE.target, version=1, epoch=1, min_epoch=1, confirmed_at=now)
        version = compose(catalog, after, agreement, record_id=self._record_id(), now=now, before=None)
        await tx.consents.save(before, after, version.expires_at)
        await tx.consents.add_version(version)
        told = telling.Told(detail=_agreed(version, agreement.shown), actor=person, version=version)
        await telling.tell(tx, self._means, t.GIVE, after, told)
        return after, version

    async def renew(
        self,
        tx: Transaction,
        *,
        catalog: Catalog,
        consent: ConsentId,
        person: PersonId,
        approval: Approval,
        why: str = "renewed",
    ) -> Amended:
        """T6 by a fresh act of the person: version n+1 takes the place of n, wider or narrower. Arguments as `give`.

        `why`: the reason in the event. The only way to widen (I7): it takes an offer that was answered and a ceremony
        not used before. A ceremony makes one version of a consent; storage raises `Conflict` for a second.
        """
        before = await guards.owned(tx, consent, person)
        t.check(t.SUPERSEDE, before.status)
        now = self.clock.wall_us() // 1_000_000
        last = await guards.current(tx, before, now)
        agreement = guards.agreement(catalog, before, approval, now)
        after = msgspec.structs.replace(_next(before), confirmed_at=now)
        version = compose(catalog, after, agreement, record_id=self._record_id(), now=now, before=last)
        told = telling.Told(detail=_agreed(version, agreement.shown), reason=why, actor=person, version=version)
        return await self._supersede(tx, before, after, version, told)

    async def ask_to_change(self, tx: Transaction, *, consent: ConsentId, person: PersonId, change: Change) -> State:
        """The person is about to be asked for a change of what stands. Recorded; nothing changes by it."""
        state = await guards.owned(tx, consent, person)
        t.check(t.SUPERSEDE, state.status)
        asked: list[object] = [to_detail(one.item) for one in change.asked]
        detail: dict[str, object] = {"requested": asked, "scope": change.scope, "manner": change.manner.value}
        await telling.tell(tx, self._means, t.REQUEST, state, telling.Told(detail=detail, actor=person))
        return state

    async def refuse_to_change(self, tx: Transaction, *, consent: ConsentId, person: PersonId, ceremony: str) -> State:
        """The person said no to a change: recorded as evidence, and everything stays as it was agreed."""
        state = await guards.owned(tx, consent, person)
        told = telling.Told(detail={"stays": state.version}, reason="refused", actor=person, ceremony=ceremony)
        await telling.tell(tx, self._means, t.REFUSE, state, told)
        return state

    async def amend(
        self,
        tx: Transaction,
        *,
        catalog: Catalog,
        consent: ConsentId,
        person: PersonId,
        granted: tuple[Item, ...],
        expires_at: int,
        ceremony: Ceremony,
    ) -> Amended:
        """T6 to something narrower: fewer fields, things, acts or days. Takes effect as fast as withdrawal.

        Raises `InvalidRequest` for anything wider than what holds now (I7), and when nothing would be left: that is
        a withdrawal.
        """
        before = await guards.owned(tx, consent, person)
        t.check(t.SUPERSEDE, before.status)
        now = self.clock.wall_us() // 1_000_000
        last = await guards.current(tx, before, now)
        guards.no_wider(last, granted, expires_at, now)
        shown = words.agreed_lines(catalog, granted, agreed_at=now, expires_at=expires_at)
        version = narrower(
            last, granted=granted, scope=granted_scope(catalog, last.scope, granted), expires_at=expires_at,
            shown=shown, ceremony=ceremony, record_id=self._record_id(), now=now,
        )  # fmt: skip
        told = telling.Told(detail=_agreed(version, shown), reason="narrowed", actor=person, version=version)
        return await self._supersede(tx, before, _next(before), version, told)

    async def withdraw(
        self,
        tx: Transaction,
        *,
        consent: ConsentId,
        person: PersonId,
        method: str = "portal",
        requested_us: int | None = None,
    ) -> Ending:
        """T9: the person says stop. Works from every state that has not ended, and again after it ended (I5).

        `method`: the way it was said, kept in the event. `requested_us`: wall time at which the request arrived.
        Raises `NotFound` for another person's consent. Run it with `write(…, essential=True)`.
        """
        state = await guards.owned(tx, consent, person)
        told = telling.Told(detail={"method": method}, reason=t.WITHDRAW.cause, actor=person)
        return await self._end(tx, state, t.WITHDRAW, told, by="person", requested_us=requested_us)

    async def revoke(
        self,
        tx: Transaction,
        *,
        consent: ConsentId,
        by: str,
        why: str = "",
        actor: PersonId | None = None,
        requested_us: int | None = None,
    ) -> Ending:
        """T10: the controller, an operator or the client ends it. `by`: which of them; `why`: in their words.

        Repeating it is harmless. Raises `NotFound`; `Conflict` while the person has not answered.
        """
        state = await guards.known(tx, consent)
        told = telling.Told(detail={"by": by, "why": why}, reason=t.REVOKE.cause, actor=actor)
        return await self._end(tx, state, t.REVOKE, told, by=by, requested_us=requested_us)

    async def expire_due(self, tx: Transaction) -> tuple[Ending, ...]:
        """T11: what has reached its hard end, at most 200 at a time, earliest first; call again while it returns any.

        Nothing waits for this sweep: tokens end with the consent, and `require_active` reads the clock itself.
        """
        now = self.clock.wall_us() // 1_000_000
        due = await tx.consents.due(now, limit=SWEEP)
        told = telling.Told(detail={}, reason=t.EXPIRE.cause)
        return tuple([await self._end(tx, state, t.EXPIRE, told, by="clock") for state in due])

    async def require_active(self, tx: Transaction, *, consent: ConsentId) -> tuple[State, Version]:
        """The consent and its current version, for a mint, refresh or exchange (I3).

        Raises `InvalidGrant` unless it is active and its end lies ahead, and so is everything that it is a part of.
        Read the feed's position before this.
        """
        state = await tx.consents.get(consent)
        if state is None or state.status is not Status.ACTIVE:
            detail = f"consent {consent} is {state.status if state else 'unknown'}"
            raise InvalidGrant("This consent does not stand.", detail=detail)
        version = await tx.consents.version(consent, state.version)
        now = self.clock.wall_us() // 1_000_000
        if version is None or not version.not_before <= now < version.expires_at:
            raise InvalidGrant("This consent does not stand.", detail=f"consent {consent} is outside its time")
        await descent.require_lineage(tx, version)
        return state, version

    async def pass_on(
        self, tx: DescentTransaction, *, catalog: Catalog, held: tuple[State, Version], part: descent.Part
    ) -> tuple[State, Version]:
        """The consent for a part of one that `require_active` gave; see `descent.pass_on`."""
        return await descent.pass_on(tx, self._means, catalog, held, part)

    # What the acts share

    async def _close_question(
        self, tx: Transaction, before: State, transition: t.Transition, told: telling.Told
    ) -> State:
        """The person said no, or nothing: no token can exist, so no gateway has to hear of it."""
        after = t.ended(before, transition, at=self._means.now(), by=transition.name, cause=transition.target)
        await tx.consents.save(before, after, None)
        await telling.tell(tx, self._means, transition, after, told)
        return after

    async def _end(
        self,
        tx: Transaction,
        before: State,
        transition: t.Transition,
        told: telling.Told,
        *,
        by: str,
        requested_us: int | None = None,
    ) -> Ending:
        if before.status in t.TERMINAL:
            return Ending(before, None)
        after = t.ended(before, transition, at=self._means.now(), by=by, cause=str(told.reason))
        # Gateways come first: whatever else this unit does, the epoch has risen before it (I4).
        entry = await telling.cut_off(tx, self._means, transition, after, requested_us)
        await tx.consents.save(before, after, None)
        await telling.tell(tx, self._means, transition, after, told)
        return Ending(after, entry)

    async def _supersede(
        self, tx: Transaction, before: State, after: State, version: Version, told: telling.Told
    ) -> Amended:
        entry = await telling.cut_off(tx, self._means, t.SUPERSEDE, after, None)
        await tx.consents.save(before, after, version.expires_at)
        await tx.consents.add_version(version)
        await telling.tell(tx, self._means, t.SUPERSEDE, after, told)
        return Amended(after, version, entry)

    @property
    def _means(self) -> telling.Means:
        return telling.Means(self.clock, self.randomness, self.settings)

    def _record_id(self) -> str:
        return opaque("r", self.randomness)


def _next(state: State) -> State:
    """The same consent under its next version: older tokens no longer count."""
    return msgspec.structs.replace(state, version=state.version + 1, epoch=state.epoch + 1, min_epoch=state.epoch + 1)


def _agreed(version: Version, shown: tuple[str, ...]) -> dict[str, object]:
    """What the ledger keeps sealed: the hash that ties it to the version, the details, the very text shown."""
    return {
        "content_hash": version.content_hash,
        "prev_hash": version.prev_hash,
        "granted": [to_detail(item) for item in version.granted],
        "expires_at": version.expires_at,
        "notice": version.notice.sha256,
        "shown": list(shown),
    }
