"""Clients that register themselves: let in by an initial token, changed and removed by their own, forgotten if unused.

Both tokens are 256 random bits and kept as SHA-256. A token of a client's own counts only for that client, until the
next change, and never once the client was stopped (RFC 7592 §3; checks 130 to 132).
"""

import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from grantline.model.clock import Clock
from grantline.model.errors import InvalidToken, TemporarilyUnavailable
from grantline.model.events import Event, EventType
from grantline.model.ids import ClientId, Randomness, event_id, opaque
from grantline.parties.clients import AuthMethod, Client, Origin, Standing
from grantline.parties.metadata import InvalidMetadata, Metadata
from grantline.parties.profile_rules import SECRETS
from grantline.parties.registry import metadata_hash, upsert
from grantline.parties.secrets import hash_of
from grantline.parties.self_registration import Frame, RegistrationPolicy, to_client
from grantline.parties.store import RegistrationRow, SelfRegistrationTransaction, SweepTransaction

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration as it stands, with what is said once only. `created_at`: unix seconds."""

    client: Client
    created_at: int
    token: str | None = None
    secret: str | None = None


def token_digest(token: str) -> bytes:
    """How a token of this kind is kept."""
    return hashlib.sha256(token.encode()).digest()


async def initial_token(
    tx: SelfRegistrationTransaction, policy: RegistrationPolicy, *, uses: int, expires_at: int, randomness: Randomness
) -> str:
    """A new token that lets `uses` clients register until `expires_at` (unix seconds), for no more than `policy`."""
    token = opaque("iat", randomness, _SECRET_BYTES)
    await tx.initial_tokens.put(token_digest(token), policy, uses=uses, expires_at=expires_at)
    return token


class Registrar:
    """What registering needs of the world. `most`: clients that may register themselves before no more come."""

    def __init__(self, clock: Clock, randomness: Randomness, most: int) -> None:
        self.clock, self.randomness, self.most = clock, randomness, most

    def now(self) -> int:
        """Unix seconds."""
        return self.clock.wall_us() // 1_000_000

    async def tell(self, tx: SelfRegistrationTransaction, type: EventType, client: Client, act: str) -> None:
        """Into the record."""
        now_us = self.clock.wall_us()
        detail: dict[str, object] = {"registration": metadata_hash(client), "origin": client.origin.value}
        event = Event(
            event_id=event_id(self.randomness, now_us), type=type, t=now_us, act=act, res="client", out="permit",
            client=client.client_id, detail=detail,
        )  # fmt: skip
        await tx.outbox.append(event)

    async def require_room(self, tx: SelfRegistrationTransaction) -> None:
        """Raise `TemporarilyUnavailable` when there are too many; none is forgotten to make room for another."""
        if await tx.registrations.count() >= self.most:
            raise TemporarilyUnavailable(
                "No further clients can register here now.", detail="registration.most_clients"
            )


async def register(
    tx: SelfRegistrationTransaction, by: Registrar, initial: bytes, said: Metadata, frame: Frame
) -> Registered:
    """Spend the initial token and keep the client. Raises `InvalidToken`, or as `to_client`."""
    client, secret = _made(said, frame, by.randomness)
    if not await tx.initial_tokens.spend(initial, by.now()):
        raise InvalidToken("The initial access token does not count, or not any more.")
    await by.require_room(tx)
    token = opaque("rat", by.randomness, _SECRET_BYTES)
    row = RegistrationRow(client=client.client_id, created_at=by.now(), policy=frame.policy, token=token_digest(token))
    await tx.registrations.put(row)
    await upsert(tx, client, by.clock, by.randomness)
    await by.tell(tx, EventType.CLIENT_REGISTERED, client, "register")
    return Registered(client, row.created_at, token, secret)


async def own_client(tx: SelfRegistrationTransaction, client: ClientId, token: bytes) -> tuple[Client, RegistrationRow]:
    """The client that this token of its own is for; raises `InvalidToken`, whatever the reason (RFC 7592 §2)."""
    found, row = await tx.clients.get(client), await tx.registrations.get(client)
    if found is None or row is None or row.token is None or not hmac.compare_digest(row.token, token):
        raise InvalidToken("The registration access token does not count for this client.")
    if found.status is not Standing.ACTIVE:
        raise InvalidToken("The registration access token does not count for this client.", detail="client stopped")
    return found, row


async def change(
    tx: SelfRegistrationTransaction, by: Registrar, token: bytes, said: Metadata, frame: Frame
) -> Registered:
    """The whole registration anew, within the policy of the first; the token is another from now on (check 132)."""
    before, row = await own_client(tx, ClientId(frame.id), token)
    kept = Frame(
        id=before.id, origin=Origin.REGISTERED, policy=row.policy, sector=frame.sector,
        secret_hashes=before.secret_hashes,
    )  # fmt: skip
    client, secret = _made(said, kept, by.randomness)
    fresh = opaque("rat", by.randomness, _SECRET_BYTES)
    await tx.registrations.put(msgspec.structs.replace(row, token=token_digest(fresh)))
    await upsert(tx, client, by.clock, by.randomness)
    await by.tell(tx, EventType.CLIENT_UPDATED, client, "update")
    return Registered(client, row.created_at, fresh, secret)


async def remove(tx: SelfRegistrationTransaction, by: Registrar, client: ClientId, token: bytes) -> None:
    """The client takes itself away (RFC 7592 §2.3): its tokens end at every gateway, and its id is never given again.

    The registration stays as a stopped one, because consents and the record name it.
    """
    found, _ = await own_client(tx, client, token)
    await stop(tx, by, found)
    await by.tell(tx, EventType.CLIENT_REMOVED, found, "remove")


async def stop(tx: SelfRegistrationTransaction, by: Registrar, client: Client) -> None:
    """The client may do nothing more; its own token cannot undo that (check 131)."""
    await tx.registrations.stop(client.client_id)
    await upsert(tx, msgspec.structs.replace(client, status=Standing.DISABLED), by.clock, by.randomness)


async def keep_document(
    tx: SelfRegistrationTransaction, by: Registrar, client: Client, policy: RegistrationPolicy, fresh_until: int
) -> Client:
    """A fetched document in place of the one before. Being stopped by an operator is not undone by it."""
    before, row = await tx.clients.get(client.client_id), await tx.registrations.get(client.client_id)
    if row is None:
        await by.require_room(tx)
        row = RegistrationRow(client=client.client_id, created_at=by.now(), policy=policy)
    if before is not None:
        client = msgspec.structs.replace(client, status=before.status)
    await tx.registrations.put(msgspec.structs.replace(row, policy=policy, fresh_until=fresh_until))
    await upsert(tx, client, by.clock, by.randomness)
    if before is None:
        await by.tell(tx, EventType.CLIENT_REGISTERED, client, "register")
    elif before != client:
        await by.tell(tx, EventType.CLIENT_UPDATED, client, "update")
    return client


async def forget_unused(tx: SweepTransaction, by: Registrar, before: int, *, limit: int = 100) -> int:
    """Forget clients that came before this time and that nobody was ever asked for (check 130); how many were seen."""
    seen = await tx.registrations.unsettled(before, limit=limit)
    for name in seen:
        client = await tx.clients.get(name)
        if client is not None and await tx.consents.of_client(name, limit=1):
            await tx.registrations.settle(name)
            continue
        await tx.registrations.remove(name)
        if client is not None:
            await stop(tx, by, client)
            await tx.clients.remove(name)
            await by.tell(tx, EventType.CLIENT_REMOVED, client, "expire")
    return len(seen)


def _made(said: Metadata, frame: Frame, randomness: Randomness) -> tuple[Client, str | None]:
    """The client, with a secret of ours where its method needs one that it does not have yet."""
    secret, hashes = None, frame.secret_hashes
    method = said.token_endpoint_auth_method or AuthMethod.CLIENT_SECRET_BASIC
    if method in SECRETS and not hashes:
        secret = opaque("cs", randomness, _SECRET_BYTES)
        hashes = (hash_of(secret),)
    client = to_client(said, msgspec.structs.replace(frame, secret_hashes=hashes))
    if client.redirect_uris and "authorization_code" not in client.grants:
        raise InvalidMetadata("grant_types: redirect URIs are of use with authorization_code only.")
    return client, secret if client.secret_hashes else None
