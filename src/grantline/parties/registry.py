"""Keeps registrations. Saying the same twice changes nothing; stopping a client ends its tokens at every gateway."""

from enum import StrEnum

from grantline.crypto.jcs import digest
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.feed import Kind as FeedKind
from grantline.model.feed import NewEntry
from grantline.model.ids import Randomness, event_id
from grantline.model.reasons import Reason
from grantline.parties.clients import Client, Standing
from grantline.parties.store import Transaction

LONGEST_TOKEN_S = 600


class Change(StrEnum):
    """What an upsert did."""

    NONE = "unchanged"
    ADDED = "added"
    CHANGED = "changed"


async def upsert(tx: Transaction, client: Client, clock: Clock, randomness: Randomness) -> Change:
    """Keep the registration. A client that is disabled by it is cut off through the feed in the same transaction."""
    before = await tx.clients.get(client.client_id)
    if before == client:
        return Change.NONE
    now_us = clock.wall_us()
    await tx.clients.put(client, now_us // 1_000_000)
    if before is not None and before.status is not client.status and client.status is Standing.DISABLED:
        until = now_us // 1_000_000 + LONGEST_TOKEN_S
        cut = NewEntry(kind=FeedKind.CLIENT, id=client.id, cause=Reason.CLIENT_QUARANTINED, until=until, cut_off=True)
        await tx.feed.append(cut)
    change = Change.ADDED if before is None else Change.CHANGED
    await tx.outbox.append(
        Event(
            event_id=event_id(randomness, now_us),
            type=EventType.CLIENT_CHANGED,
            t=now_us,
            act=change.value,
            res="client",
            out="permit",
            client=client.client_id,
            detail={"registration": metadata_hash(client), "status": client.status.value},
        )
    )
    return change


def metadata_hash(client: Client) -> str:
    """SHA-256 (hex) over the registration, kept in consents so that a later change of it shows."""
    return digest(client)
