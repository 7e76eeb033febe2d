"""What others hear of a consent: the ledger's event and the gateways' cut-off, both in the unit that changes it."""

from dataclasses import dataclass
from typing import Literal

from grantline.consent.settings import Settings
from grantline.consent.store import Transaction
from grantline.consent.transitions import Transition
from grantline.model.clock import Clock
from grantline.model.consent import State, Version
from grantline.model.events import Event, EventType
from grantline.model.feed import Entry, Kind, NewEntry
from grantline.model.ids import PersonId, Randomness, event_id

_VERBS: dict[EventType, tuple[str, Literal["permit", "deny"]]] = {
    EventType.CONSENT_REQUESTED: ("request", "permit"),
    EventType.CONSENT_GIVEN: ("give", "permit"),
    EventType.CONSENT_PASSED_ON: ("pass on", "permit"),
    EventType.CONSENT_REFUSED: ("refuse", "deny"),
    EventType.CONSENT_AMENDED: ("amend", "permit"),
    EventType.CONSENT_WITHDRAWN: ("withdraw", "permit"),
    EventType.CONSENT_REVOKED: ("revoke", "permit"),
    EventType.CONSENT_EXPIRED: ("expire", "permit"),
}


@dataclass(frozen=True, slots=True)
class Means:
    """What every act works with; handed in, so that tests own the world."""

    clock: Clock
    randomness: Randomness
    settings: Settings

    def now(self) -> int:
        """Unix seconds."""
        return self.clock.wall_us() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an event says beyond who and which consent. `ceremony`: for acts that make no version."""

    detail: dict[str, object]
    reason: str | None = None
    actor: PersonId | None = None
    version: Version | None = None
    ceremony: str | None = None


async def tell(tx: Transaction, means: Means, transition: Transition, state: State, told: Told) -> None:
    """Put the event of this act into the outbox."""
    await tx.outbox.append(_event(means, transition.event, state, told))


def _event(means: Means, kind: EventType, state: State, told: Told) -> Event:
    """Purpose and basis stand in clear only when the version has exactly one of them."""
    verb, outcome = _VERBS[kind]
    version = told.version
    purposes = version.purposes if version else ()
    bases = {purpose.basis for purpose in purposes}
    at_us = means.clock.wall_us()
    return Event(
        event_id=event_id(means.randomness, at_us),
        type=kind,
        t=at_us,
        act=verb,
        res="consent",
        out=outcome,
        rsn=told.reason,
        client=state.client,
        person=state.person,
        subject=state.subject,
        actor=told.actor,
        consent=state.consent_id,
        version=state.version or None,
        ceremony=version.ceremony.id if version else told.ceremony,
        purpose=purposes[0].id if len(purposes) == 1 else None,
        basis=next(iter(bases)) if len(bases) == 1 else None,
        detail=told.detail,
    )


async def cut_off(
    tx: Transaction, means: Means, transition: Transition, after: State, requested_us: int | None
) -> Entry:
    """Tell gateways to refuse every token of this consent below its new epoch.

    The entry is kept as long as any such token could live. `requested_us`: when the request arrived, for closures.
    """
    assert transition.cause is not None
    return await tx.feed.append(
        NewEntry(
            kind=Kind.GRANT,
            id=after.consent_id,
            cause=transition.cause,
            until=means.now() + means.settings.longest_token,
            min_epoch=after.min_epoch,
            client=after.client,
            requested_us=requested_us or means.clock.wall_us(),
        )
    )
