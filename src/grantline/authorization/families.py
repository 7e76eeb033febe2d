"""Ending what came of one code: its refresh tokens here, its access tokens at every gateway. Never the consent."""

from grantline.authorization.events import about_consent
from grantline.authorization.server import Server
from grantline.authorization.store import FamilyRow, Transaction
from grantline.model.events import EventType
from grantline.model.feed import Kind, NewEntry
from grantline.model.ids import ConsentId, FamilyId
from grantline.model.reasons import Reason


async def end_family(
    server: Server, tx: Transaction, family: FamilyId, consent: ConsentId, *, why: str, finding: bool
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


def is_over(family: FamilyRow, now: int, idle: int | None) -> bool:
    """True if nothing may be refreshed any more: ended, too old, or unused for too long (checks 89, 90).

    `idle`: seconds; None where tokens are not rotated, so that their last use is not known.
    """
    last = max(family.created_at, family.rotated_at)
    unused = idle is not None and last + idle <= now
    return family.ended_at is not None or family.expires_at <= now or unused
