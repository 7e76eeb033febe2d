"""What happened, for the ledger. Producers say it in clear over a private channel; ingest seals the personal part."""

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Literal

import msgspec

from grantline.model.ids import ClientId, ConsentId, EventId, PersonId, PurposeId


class EventType(StrEnum):
    """`area.act@version`. The list only grows; a changed meaning is a new version."""

    CONSENT_REQUESTED = "consent.requested@1"
    CONSENT_GIVEN = "consent.given@1"
    CONSENT_REFUSED = "consent.refused@1"
    CONSENT_AMENDED = "consent.amended@1"
    CONSENT_WITHDRAWN = "consent.withdrawn@1"
    CONSENT_REVOKED = "consent.revoked@1"
    CONSENT_EXPIRED = "consent.expired@1"
    CONSENT_CLOSED = "consent.closed@1"
    CONSENT_DRAINED = "consent.drained@1"
    TOKEN_ISSUED = "token.issued@1"
    TOKEN_REFRESHED = "token.refreshed@1"
    TOKEN_REVOKED = "token.revoked@1"
    TOKEN_INTROSPECTED = "token.introspected@1"
    FAMILY_ENDED = "token.family_ended@1"
    SIGN_IN = "identity.sign_in@1"
    SIGN_IN_FAILED = "identity.sign_in_failed@1"
    SIGN_OUT = "identity.sign_out@1"
    PERSON_ENROLLED = "identity.enrolled@1"
    CLIENT_CHANGED = "registry.client@1"
    CATALOG_CHANGED = "registry.catalog@1"
    POLICY_CHANGED = "registry.policy@1"
    GATEWAY_ENROLLED = "gateway.enrolled@1"
    GATEWAY_JOINED = "gateway.joined@1"
    GATEWAY_LEFT = "gateway.left@1"
    GATEWAY_FENCED = "gateway.fenced@1"
    GATEWAY_DECISION = "gateway.decision@1"
    GATEWAY_OUTCOME = "gateway.outcome@1"
    GATEWAY_STARTED = "gateway.started@1"
    LOG_STARTED = "log.started@1"
    LOG_GAP = "log.gap@1"
    FINDING = "finding.raised@1"
    FEED_INCARNATION = "feed.incarnation@1"
    PASSWORD_CHANGED = "identity.password_changed@1"
    KEY_ROTATED = "key.rotated@1"
    METHOD_ADDED = "signin.method_added@1"
    METHOD_REMOVED = "signin.method_removed@1"
    METHOD_USED_UP = "signin.method_used_up@1"
    CONSENT_PASSED_ON = "consent.passed_on@1"
    TOKEN_EXCHANGED = "token.exchanged@1"
    ISSUER_CHANGED = "registry.issuer@1"
    CLIENT_REGISTERED = "client.registered@1"
    CLIENT_UPDATED = "client.updated@1"
    CLIENT_REMOVED = "client.removed@1"
    PERSON_TOKENS_REVOKED = "token.person_revoked@1"
    PERSON_LOCKED = "identity.locked@1"
    PERSON_UNLOCKED = "identity.unlocked@1"
    PERSON_ERASED = "privacy.erased@1"
    LOG_REPEATED = "log.repeated@1"
    HEARTBEAT = "producer.heartbeat@1"
    LEDGER_QUERIED = "ledger.queried@1"
    LEDGER_HELD = "ledger.held@1"
    LEDGER_HOLD_LIFTED = "ledger.hold_lifted@1"
    RETENTION_PURGED = "retention.purged@1"
    LOG_PRUNED = "log.pruned@1"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as its producer knows it.

    `t`: producer's unix µs. `act`, `res`: verb and kind of thing, never an id. `detail`: personal or identifying
    values (subject, actor, IP, resource ids, the whole decision input), sealed at ingest, never in the leaf.
    `person` and `consent` are in clear only on the private channel; the leaf holds keyed pseudonyms.
    """

    event_id: EventId
    type: EventType
    t: int
    act: str
    res: str
    out: Literal["permit", "deny", "error"]
    rsn: str | None = None
    client: ClientId | None = None
    person: PersonId | None = None
    subject: str | None = None
    actor: PersonId | None = None
    consent: ConsentId | None = None
    version: int | None = None
    ceremony: str | None = None
    purpose: PurposeId | None = None
    basis: str | None = None
    jti_hash: str | None = None
    trace: str | None = None
    span: str | None = None
    policy: str | None = None
    retention: str = "standard"
    detail: dict[str, object] = {}


class Sequenced(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in its producer's own gap-free sequence (`seq` starts at 1 for each `boot`)."""

    boot: str
    seq: int
    event: Event


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What a producer sends to ingest: events in order. Repeating it is harmless (event id, producer sequence)."""

    producer: str
    events: tuple[Sequenced, ...]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Ingest's answer once the entries are durable in the tree: the last sequence number that is in."""

    boot: str
    last_seq: int
    first_index: int
    size: int


MOST_SUBMITTED = 256
"""Events in one submission. Ingest refuses more, so no producer may send more."""


# A token is used again and again.
@lru_cache(maxsize=4_096)
def jti_hash(jti: str) -> str:
    """How the record names a token, whoever tells of it: only so can its issue be joined to its uses."""
    return hashlib.sha256(jti.encode()).hexdigest()
