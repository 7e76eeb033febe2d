"""Proves one event to whoever has nothing but the log's key (C2SP tlog-proof), and discloses single fields of it."""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.merkle import InvalidProof, inclusion_proof, leaf_hash, verify_inclusion
from grantline.crypto.note import Checkpoint, InvalidNote, VerifierKey, open_checkpoint
from grantline.crypto.tiles import subtrees
from grantline.ledger import entry
from grantline.ledger.keys import PersonKeys
from grantline.ledger.published import Published
from grantline.ledger.sealing import Opened, unseal
from grantline.ledger.store import EntryStore
from grantline.model.errors import Conflict, NotFound

HEADER = "c2sp.org/tlog-proof@v1"


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """One withheld field with the key of its own commitment (base64url), and of no other."""

    name: str
    value: Any
    key: str


@dataclass(frozen=True, slots=True)
class Proof:
    """`text`: the tlog-proof. `entry`: the leaf's bytes it is about. `disclosures`: what was asked to be told."""

    index: int
    entry: bytes
    text: str
    disclosures: tuple[Disclosure, ...]


def prove(
    event_id: str,
    published: Published,
    entries: EntryStore,
    keys: PersonKeys,
    *,
    disclose: Collection[str] = (),
) -> Proof:
    """Raises `NotFound` for an event that is not in the tree, `Conflict` if no checkpoint covers it yet."""
    index = entries.find([event_id]).get(event_id)
    if index is None:
        raise NotFound(f"No event {event_id} is in the ledger.")
    note, vkey = published.checkpoint(), published.vkey()
    if note is None or vkey is None:
        raise Conflict("There is no checkpoint yet.")
    checkpoint = open_checkpoint(note, VerifierKey.parse(vkey))
    if index >= checkpoint.size:
        raise Conflict("The event is not below a signed checkpoint yet; try again in a second.")
    path = inclusion_proof(index, checkpoint.size, subtrees(checkpoint.size, published.tile))
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in path)
    (body,) = entries.bodies(index, index + 1)
    told = [unseal(row, body, keys) for row in entries.details(index, index + 1)]
    disclosures = tuple(each for part in told if part is not None for each in _disclosures(part, disclose))
    return Proof(index, body, f"{HEADER}\nindex {index}\n{hashes}\n{note}", disclosures)


def _disclosures(part: Opened, wanted: Collection[str]) -> list[Disclosure]:
    detail = part.fields.get("detail", {})
    fields = part.fields | {name: detail[name] for name in entry.NAMED if name in detail}
    return [
        Disclosure(name=name, value=value, key=b64url(entry.field_key(part.key, name)))
        for name, value in fields.items()
        if name in wanted
    ]


def check_proof(text: str, body: bytes, vkey: str) -> Checkpoint:
    """The checkpoint under which this entry stands. Raises `InvalidProof` or `InvalidNote`. Needs no log."""
    head, blank, note = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not blank or header != HEADER or not lines:
        raise InvalidProof("not a tlog-proof")
    if lines[0].startswith("extra "):
        lines = lines[1:]
    word, _, number = lines[0].partition(" ") if lines else ("", "", "")
    if word != "index" or not number.isdecimal():
        raise InvalidProof("the proof names no index")
    try:
        path = [base64.b64decode(line, validate=True) for line in lines[1:]]
    except ValueError as error:
        raise InvalidProof("a hash is not base64") from error
    checkpoint = open_checkpoint(note, VerifierKey.parse(vkey))
    verify_inclusion(int(number), checkpoint.size, leaf_hash(body), path, checkpoint.root)
    return checkpoint


def check_disclosure(body: bytes, disclosure: Disclosure) -> bool:
    """True if the entry is committed to exactly this name and value."""
    digest = entry.commitment(unb64url(disclosure.key), disclosure.name, disclosure.value)
    return digest in orjson.loads(body)["sd"]


__all__ = ["Disclosure", "InvalidNote", "InvalidProof", "Proof", "check_disclosure", "check_proof", "prove"]
