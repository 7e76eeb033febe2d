"""The ledger read from its own files: every leaf, opened with the keys that lie beside it."""

import json
import secrets
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grantline.ledger import sealing
from grantline.ledger.keys import PersonKeys
from grantline.ledger.published import Published
from grantline.ledger.root_keys import open_root_keys
from grantline.ledger.settings import Places
from grantline.ledger.verify import Report, verify
from grantline.model.events import Event, EventType
from grantline.storage.sqlite.ledger import open_ledger
from tests.faults.system.reconcile import Counts

MOST = 10**9


@dataclass(frozen=True)
class Record:
    """All leaves as they stand in the tree, and as their producers told them where somebody is concerned."""

    leaves: list[dict[str, Any]]
    events: list[Event]

    def of_consents(self) -> Counts:
        """Consent → how many events of each type."""
        counts: Counts = {}
        for event in self.events:
            if event.consent is not None and not event.type.startswith("gateway."):
                counts.setdefault(event.consent, Counter())[event.type] += 1
        return counts

    def decisions(self, out: str = "permit") -> Counter[str]:
        """Evaluation → how many decisions."""
        found = [event for event in self.events if event.type == EventType.GATEWAY_DECISION and event.out == out]
        return Counter(str(event.detail["evaluation"]) for event in found)

    def outcomes(self) -> dict[str, list[Event]]:
        """Evaluation → its outcomes."""
        found: dict[str, list[Event]] = {}
        for event in self.events:
            if event.type == EventType.GATEWAY_OUTCOME:
                found.setdefault(str(event.detail["evaluation"]), []).append(event)
        return found

    def of_type(self, kind: EventType) -> list[dict[str, Any]]:
        return [leaf for leaf in self.leaves if leaf["type"] == kind]


def read_record(data: Path) -> Record:
    places = Places(data)
    with closing(open_ledger(places.ledger)) as stores:
        keys = PersonKeys(stores.keys, open_root_keys(places.root_key, secrets.token_bytes), secrets.token_bytes)
        bodies = stores.entries.bodies(0, MOST)
        parts: dict[int, list[Any]] = {}
        for row in stores.entries.details(0, MOST):
            parts.setdefault(row.idx, []).append(row)
        restored = [sealing.restore(body, parts.get(at, []), keys) for at, body in enumerate(bodies)]
    return Record([json.loads(body) for body in bodies], [event for event in restored if event is not None])


def require_once_and_in_order(record: Record) -> None:
    """No event twice, and no producer's numbers out of order. Gateways keep theirs over restarts, without a gap."""
    assert len({leaf["id"] for leaf in record.leaves}) == len(record.leaves)
    streams: dict[tuple[str, str], list[int]] = {}
    for leaf in record.leaves:
        streams.setdefault((leaf["prod"], leaf["boot"]), []).append(leaf["pseq"])
    for (producer, _), numbers in streams.items():
        assert numbers == sorted(set(numbers)), producer
        if producer != "authority":
            assert numbers == list(range(1, len(numbers) + 1)), producer


def verified(data: Path, seen: Path, *, rows: bool = False) -> Report:
    """The published log against what this verifier saw before; with `rows`, against the stored leaves too."""
    places = Places(data)
    if not rows:
        return verify(Published(places.public), state=seen)
    with closing(open_ledger(places.ledger)) as stores:
        return verify(Published(places.public), rows=stores.entries, state=seen)
