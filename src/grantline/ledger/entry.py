"""The leaf: a public envelope without personal data, and keyed commitments to everything that was left out.

Each withheld field stands as b64url(HMAC(HMAC(K, name), JCS([name, value]))), sorted and padded with decoys to a fixed
count, so that neither the number nor the kind of fields shows, and one field can be disclosed without the rest.
"""

import functools
import hmac
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from grantline.crypto.encoding import b64url
from grantline.crypto.jcs import canonical
from grantline.ledger.accounts import public
from grantline.model.errors import InvalidRequest
from grantline.model.events import Event
from grantline.model.ids import Randomness

VERSION = 1
MAX_ENTRY = 4096
SLOTS = 8
_DAY_US = 86_400_000_000
NAMED = ("ip", "user_agent", "resources")
"""Members of an event's detail that are also committed alone, so that they can be disclosed alone."""


class Place(NamedTuple):
    """Who said it and when it was taken: producer, boot, its sequence number, commit time (unix µs)."""

    producer: str
    boot: str
    seq: int
    tc: int


class Pseudonyms(NamedTuple):
    """Keyed names for one month: of the subject, of the consent, of whoever acted."""

    subject: str | None
    consent: str | None
    actor: str | None


def month(tc: int) -> str:
    """`YYYY-MM` (UTC) of a time in unix µs."""
    return _month_of_day(tc // _DAY_US)


@functools.lru_cache(maxsize=4)
def _month_of_day(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m")


def subject_fields(event: Event) -> dict[str, Any]:
    """What is withheld because it concerns the subject."""
    fields: dict[str, Any] = {
        name: value
        for name, value in (("person", event.person), ("subject", event.subject), ("consent", event.consent))
        if value is not None
    }
    if event.actor is not None and event.actor == event.person:
        fields["actor"] = event.actor
    if event.detail:
        fields |= {name: event.detail[name] for name in NAMED if name in event.detail}
        fields["detail"] = event.detail
    return fields


def actor_fields(event: Event) -> dict[str, Any]:
    """What is withheld because it concerns whoever acted for somebody else."""
    return {} if event.actor is None or event.actor == event.person else {"actor": event.actor}


def field_key(key: bytes, name: str) -> bytes:
    """The key that opens one field's commitment and no other."""
    return hmac.digest(key, name.encode(), "sha256")


def commitment(key: bytes, name: str, value: Any) -> str:
    """The digest of one field under its own key. A value without canonical form is a ValueError."""
    return b64url(hmac.digest(key, canonical([name, value]), "sha256"))


def commitments(fields: dict[str, Any], key: bytes) -> list[str]:
    """One digest for each field, all under keys derived from `key`."""
    return [commitment(field_key(key, name), name, value) for name, value in fields.items()]


def encode(event: Event, place: Place, names: Pseudonyms, digests: list[str], randomness: Randomness) -> bytes:
    """The leaf's bytes: canonical JSON (RFC 8785), at most `MAX_ENTRY`."""
    decoys = randomness(32 * (SLOTS - len(digests)))
    envelope = {
        "v": VERSION, "id": event.event_id, "type": event.type, "t": event.t, "tc": place.tc,
        "prod": place.producer, "boot": place.boot, "pseq": place.seq,
        "act": event.act, "res": event.res, "out": event.out, "rsn": event.rsn,
        "client": event.client, "cns": names.consent, "cv": event.version, "cer": event.ceremony,
        "pur": event.purpose, "lb": event.basis, "jtih": event.jti_hash, "tr": event.trace, "sp": event.span,
        "ps": names.subject, "pa": names.actor, "pol": event.policy, "ret": event.retention,
        "sd": sorted([*digests, *(b64url(decoys[at : at + 32]) for at in range(0, len(decoys), 32))]),
        **public(event, place.producer),
    }  # fmt: skip
    # All names are ASCII and all numbers integers, so sorted members are the canonical form.
    body = orjson.dumps(
        {name: value for name, value in envelope.items() if value is not None}, option=orjson.OPT_SORT_KEYS
    )
    if len(body) > MAX_ENTRY:
        raise InvalidRequest(f"An event may have at most {MAX_ENTRY} bytes outside its detail.", detail=event.event_id)
    return body


def says(body: bytes, event: Event) -> bool:
    """True if the leaf is of this event, as far as a leaf tells: what was withheld cannot be compared."""
    leaf = orjson.loads(body)
    told = ("id", "type", "t", "act", "res", "out", "rsn", "client", "cv", "pur", "jtih")
    here = (
        event.event_id, event.type, event.t, event.act, event.res, event.out, event.rsn, event.client,
        event.version, event.purpose, event.jti_hash,
    )  # fmt: skip
    return tuple(leaf.get(name) for name in told) == here


def restore(body: bytes, fields: dict[str, Any]) -> Event:
    """The event as its producer said it, from the leaf and the opened details."""
    leaf = orjson.loads(body)
    return Event(
        event_id=leaf["id"], type=leaf["type"], t=leaf["t"], act=leaf["act"], res=leaf["res"], out=leaf["out"],
        rsn=leaf.get("rsn"), client=leaf.get("client"), person=fields.get("person"), subject=fields.get("subject"),
        actor=fields.get("actor"), consent=fields.get("consent"), version=leaf.get("cv"), ceremony=leaf.get("cer"),
        purpose=leaf.get("pur"), basis=leaf.get("lb"), jti_hash=leaf.get("jtih"), trace=leaf.get("tr"),
        span=leaf.get("sp"), policy=leaf.get("pol"), retention=leaf["ret"], detail=fields.get("detail", {}),
    )  # fmt: skip
