"""Ending what came of one code: its refresh tokens here, its access tokens at every gateway. Never the consent."""

import secrets
from dataclasses import dataclass, field
from typing import Protocol

from grantline.authorization.events import Witness, about_consent
from grantline.authorization.settings import Settings
from grantline.authorization.store import FamilyRow, Transaction
from grantline.model.clock import Clock
from grantline.model.events import EventType
from grantline.model.feed import Kind, NewEntry
from grantline.model.ids import ConsentId, FamilyId, PersonId, Randomness
from grantline.model.reasons import Reason
from grantline.parties import Client, rules_of

LOCKED = "person_locked"


class Ender(Witness, Protocol):
    """What has to be known to end a family: a server is one."""

    @property
    def settings(self) -> Settings: ...
    def now(self) -> int:
        """Unix seconds."""
        ...


@dataclass(frozen=True, slots=True)
class EndsWithPassword:
    """Ends a person's refresh tokens when their password changes (check 89); the setting may keep them.

    `why`: what ends them, for the record; who is locked loses them whatever the setting says.
    """

    clock: Clock
    randomness: Randomness = secrets.token_bytes
    settings: Settings = field(default_factory=Settings)
    why: str = "password_changed"

    def now(self) -> int:
        """Unix seconds."""
        return self.clock.wall_us() // 1_000_000

    async def __call__(self, tx: Transaction, person: PersonId) -> int:
        """End every family of every consent of this person; how many there were. The consents stay."""
        # Whoever knew the old password may have answered somebody elsewhere; there is no session that this stands on.
        await tx.elsewhere.take_back(person)
        if self.why != LOCKED and not self.settings.refresh_ends_with_password:
            return 0
        ended = 0
        for state in await tx.consents.of_person(person):
            ended += await end_families(self, tx, state.consent_id, why=self.why)
        return ended


async def end_family(
    server: Ender, tx: Transaction, family: FamilyId, consent: ConsentId, *, why: str, finding: bool
) -> bool:
    """End the family through the feed, with its event; a finding on top where somebody used a token twice.

    True if it lived until now. Ending twice writes nothing.
    """
    now = server.now()
    if not await tx.families.end(family, now):
        return False
    until = now + server.settings.access_lifetime + server.settings.clock_skew
    await tx.feed.append(NewEntry(kind=Kind.FAMILY, id=family, cause=Reason.TOKEN_INVALID, until=until, cut_off=True))
    state = await tx.consents.get(consent)
    if state is not None:
        detail: dict[str, object] = {"family": family, "why": why}
        ended = about_consent(server, EventType.FAMILY_ENDED, state, act="end", res="family", rsn=why, detail=detail)
        await tx.outbox.append(ended)
        if finding:
            found = about_consent(
                server, EventType.FINDING, state, act="raise", res="finding", out="deny", rsn=why, detail=detail
            )
            await tx.outbox.append(found)
    return True


async def end_families(server: Ender, tx: Transaction, consent: ConsentId, *, why: str) -> int:
    """End every family of a consent; how many lived until now."""
    ended = 0
    for family in await tx.families.living(consent):
        ended += await end_family(server, tx, family, consent, why=why, finding=False)
    return ended


def is_over(family: FamilyRow, now: int, idle: int | None) -> bool:
    """True if nothing may be refreshed any more: ended, too old, or unused for too long (checks 89, 90).

    `idle`: seconds; None where tokens are not rotated, so that their last use is not known.
    """
    return family.ended_at is not None or ends_at(family, last_use(family), idle) <= now


def idle_of(settings: Settings, client: Client) -> int | None:
    """Seconds for which this client's refresh tokens may lie unused; None where their last use is not known."""
    return settings.refresh_idle if rules_of(client.profile).rotates_refresh else None


def last_use(family: FamilyRow) -> int:
    """When its last token was given out (unix seconds)."""
    return max(family.created_at, family.rotated_at)


def ends_at(family: FamilyRow, used_at: int, idle: int | None) -> int:
    """When a token of it ends that was given out then and is never used (unix seconds); its consent aside."""
    return family.expires_at if idle is None else min(family.expires_at, used_at + idle)
