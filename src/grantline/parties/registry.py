"""Keeps registrations. Saying the same twice changes nothing; stopping a client ends its tokens at every gateway."""

from enum import StrEnum
from typing import Any

import msgspec

from grantline.crypto.jcs import digest
from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.feed import Kind as FeedKind
from grantline.model.feed import NewEntry
from grantline.model.ids import Randomness, event_id
from grantline.model.reasons import Reason
from grantline.parties.clients import Client, Profile, Standing
from grantline.parties.profile_rules import SECRETS
from grantline.parties.store import Transaction

LONGEST_TOKEN_S = 600


class Change(StrEnum):
    """What an upsert did."""

    NONE = "unchanged"
    ADDED = "added"
    CHANGED = "changed"


async def upsert(tx: Transaction, client: Client, clock: Clock, randomness: Randomness) -> Change:
    """Keep the registration. The feed tells gateways of its standing in the same transaction, if that changed.

    A client that is disabled is cut off by that entry. A registration that names no secrets leaves those there are.
    """
    before = await tx.clients.get(client.client_id)
    if before is not None and not client.secret_hashes and client.auth in SECRETS:
        client = msgspec.structs.replace(client, secret_hashes=before.secret_hashes)
    if before == client:
        return Change.NONE
    now_us = clock.wall_us()
    await tx.clients.put(client, now_us // 1_000_000)
    if before is None or before.status is not client.status:
        await tx.feed.append(_standing(client, now_us // 1_000_000 + LONGEST_TOKEN_S))
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


def _standing(client: Client, until: int) -> NewEntry:
    """What gateways hear: that the client is stopped, or that there is news of it in their bundle."""
    stopped = client.status is Standing.DISABLED
    cause = Reason.CLIENT_QUARANTINED if stopped else "client_changed"
    return NewEntry(kind=FeedKind.CLIENT, id=client.id, cause=cause, until=until, cut_off=stopped)


def metadata_hash(client: Client) -> str:
    """SHA-256 (hex) over the registration, kept in consents so that a later change of it shows.

    Fields that came after the first release count only where they are set, so that hashes in old consents still hold.
    """
    form = msgspec.to_builtins(client)
    # A new secret is no news about the client: nobody is asked again because of it.
    form["secret_hashes"] = _LATER["secret_hashes"]
    for name, unset in _LATER.items():
        if form[name] == unset:
            del form[name]
    if client.profile is Profile.OAUTH21:
        form["profile"] = "oauth"
    return digest(form)


def _defaults_since(first: str) -> dict[str, Any]:
    fields = msgspec.structs.fields(Client)
    start = [field.name for field in fields].index(first)
    return {field.name: msgspec.to_builtins(field.default) for field in fields[start:]}


_LATER = _defaults_since("jwks_uri")
