"""What was issued on a consent until now counts no more, while the consent itself stands at the same version."""

import msgspec

from grantline.consent.record import Consents
from grantline.consent.store import Transaction
from grantline.consent.transitions import STANDING
from grantline.model.consent import State
from grantline.model.feed import Entry, Kind, NewEntry
from grantline.model.reasons import Reason


async def raise_epoch(tx: Transaction, consents: Consents, state: State) -> Entry | None:
    """Cut off every token of a consent that stands, and of all its parts; None where none can exist.

    It is no transition: status and version stay, and the next token stands on it again. What it was passed on to stands
    on an epoch that is over, and has to be passed on anew.
    """
    version = await tx.consents.version(state.consent_id, state.version)
    if state.status not in STANDING or version is None:
        return None
    after = msgspec.structs.replace(state, epoch=state.epoch + 1, min_epoch=state.epoch + 1)
    now_us = consents.clock.wall_us()
    entry = await tx.feed.append(
        NewEntry(
            kind=Kind.GRANT, id=state.consent_id, cause=Reason.TOKEN_INVALID, min_epoch=after.min_epoch,
            until=now_us // 1_000_000 + consents.settings.longest_token, client=state.client, requested_us=now_us,
        )
    )  # fmt: skip
    await tx.consents.save(state, after, version.expires_at)
    return entry
