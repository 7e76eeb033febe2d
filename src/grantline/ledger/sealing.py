"""An event becomes a leaf anyone may keep and sealed details that end with a key."""

from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag

from grantline.crypto.merkle import leaf_hash
from grantline.ledger import entry
from grantline.ledger.entry import Place, Pseudonyms
from grantline.ledger.keys import Holder, PersonKeys
from grantline.ledger.store import DetailRow, EntryRow
from grantline.model.events import Event
from grantline.model.ids import Randomness

KEY = 32
_Part = tuple[Holder, bytes, dict[str, Any]]
"""Whose key, the commitments' key, the withheld fields."""


class Sealed(NamedTuple):
    """A leaf with its hash and its details. `subject` is the key of the person it is about."""

    row: EntryRow
    leaf: bytes
    details: tuple[DetailRow, ...]
    subject: Holder


class Opened(NamedTuple):
    """One detail row in clear: the commitments' key and the withheld fields."""

    key: bytes
    fields: dict[str, Any]


def seal(event: Event, index: int, place: Place, keys: PersonKeys, randomness: Randomness) -> Sealed:
    """Make the leaf and seal the rest, the subject's part and the actor's each under their own key.

    A value that has no canonical form (a float, a number beyond 2^53) is a ValueError.
    """
    subject, actor = keys.for_subject(event), keys.for_actor(event)
    month = entry.month(place.tc)
    about_somebody = event.person is not None or event.subject is not None or event.consent is not None
    names = Pseudonyms(
        subject=subject.pseudonym(month) if about_somebody else None,
        consent=None if event.consent is None else subject.consent_in(month, event.consent),
        actor=_actor_name(event, subject, actor, month),
    )
    parts: list[_Part] = [(keys.for_details(event, subject), randomness(KEY), entry.subject_fields(event))]
    if actor is not None:
        parts.append((actor, randomness(KEY), entry.actor_fields(event)))
    digests = [digest for _, key, fields in parts for digest in entry.commitments(fields, key)]
    body = entry.encode(event, place, names, digests, randomness)
    leaf = leaf_hash(body)
    row = EntryRow(index, event.event_id, place.tc, body)
    details = tuple(_seal_part(row, leaf, part, randomness(12)) for part in parts if part[2])
    return Sealed(row, leaf, details, subject)


def _actor_name(event: Event, subject: Holder, actor: Holder | None, month: str) -> str | None:
    if event.actor is None:
        return None
    return (actor or subject).pseudonym(month)


def _seal_part(row: EntryRow, leaf: bytes, part: _Part, nonce: bytes) -> DetailRow:
    holder, key, fields = part
    # Members of the detail that are committed alone stand in the detail already.
    kept = {name: value for name, value in fields.items() if name not in entry.NAMED}
    sealed = holder.sealing.encrypt(nonce, key + orjson.dumps(kept), _bound(row.event_id, leaf, holder.key_id))
    return DetailRow(row.idx, holder.key_id, nonce, sealed)


def unseal(row: DetailRow, body: bytes, keys: PersonKeys) -> Opened | None:
    """Open one detail row of the entry with these bytes; None when its key is gone. An edited row is a ValueError."""
    holder = keys.opened(row.key_id)
    if holder is None:
        return None
    event_id = orjson.loads(body)["id"]
    try:
        clear = holder.sealing.decrypt(row.nonce, row.sealed, _bound(event_id, leaf_hash(body), row.key_id))
    except InvalidTag as error:
        raise ValueError(f"the sealed details of entry {row.idx} were changed") from error
    return Opened(clear[:KEY], orjson.loads(clear[KEY:]))


def restore(body: bytes, rows: list[DetailRow], keys: PersonKeys) -> Event | None:
    """The event in clear; None when the key of the person concerned is gone."""
    opened = [unseal(row, body, keys) for row in rows]
    if any(each is None for each in opened[:1]):
        return None
    fields: dict[str, Any] = {}
    for each in opened:
        fields |= {} if each is None else each.fields
    return entry.restore(body, fields)


def _bound(event_id: str, leaf: bytes, key_id: str) -> bytes:
    """What the seal is tied to: this event, this leaf, this key."""
    return event_id.encode() + leaf + key_id.encode()
