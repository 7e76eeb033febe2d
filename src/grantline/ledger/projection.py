"""What readers ask for, kept ready: calls with their outcome, and the life of each consent and person."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from grantline.ledger import sealing
from grantline.ledger.keys import EVIDENCE, Holder, PersonKeys
from grantline.ledger.store import AccessRow, EntryStore, LifeRow, OutcomeRow, Projected, ProjectionStore
from grantline.model.events import Event, EventType

_STEP = 1024
GIVES = frozenset({EventType.CONSENT_GIVEN, EventType.CONSENT_AMENDED, EventType.CONSENT_PASSED_ON})
ENDS = frozenset({EventType.CONSENT_WITHDRAWN, EventType.CONSENT_REVOKED, EventType.CONSENT_EXPIRED})


class Known(NamedTuple):
    """An event in the tree, in clear, with the key of the person it concerns."""

    idx: int
    event: Event
    holder: Holder


def project(known: Iterable[Known]) -> Projected:
    """Rows for these events. Outcomes are told apart and joined to their decision by evaluation id."""
    rows = Projected([], [], [])
    for index, event, holder in known:
        if event.type == EventType.GATEWAY_OUTCOME:
            rows.outcomes.append(_outcome(event))
        elif event.type == EventType.GATEWAY_DECISION:
            if event.consent is not None:
                rows.accesses.append(_access(index, event, holder))
        elif event.type != EventType.HEARTBEAT:
            rows.lives.append(_life(index, event, holder))
    return rows


def _access(index: int, event: Event, holder: Holder) -> AccessRow:
    detail = event.detail
    fields = detail.get("fields")
    return AccessRow(
        idx=index, key_id=holder.key_id, ref=holder.consent_ref(str(event.consent)), event_id=event.event_id, t=event.t,
        client=event.client or "", gateway=_text(detail, "gateway"), api=_text(detail, "api"),
        endpoint=_text(detail, "endpoint"), action=_text(detail, "action"), datatype=_text(detail, "datatype"),
        decision=event.out, reason=event.rsn, purpose=event.purpose,
        fields=orjson.dumps(fields if isinstance(fields, list | tuple) else []).decode(),
        evaluation=_text(detail, "evaluation"), trace=event.trace, jtih=event.jti_hash, odd=0,
    )  # fmt: skip


def _outcome(event: Event) -> OutcomeRow:
    status = event.detail.get("status")
    stopped = (event.rsn or "unknown") if event.out == "deny" else None
    return OutcomeRow(_text(event.detail, "evaluation"), status if isinstance(status, int) else None, stopped)


def _life(index: int, event: Event, holder: Holder) -> LifeRow:
    return LifeRow(
        idx=index, key_id=holder.key_id, event_id=event.event_id, type=event.type, t=event.t,
        ref=None if event.consent is None else holder.consent_ref(event.consent),
        reason=event.rsn, version=event.version, client=event.client,
        purposes=orjson.dumps(_purposes(event)).decode(), trace=event.trace, jtih=event.jti_hash,
    )  # fmt: skip


def _purposes(event: Event) -> list[str]:
    """What a consent permits once this happened; empty for whatever gives nothing."""
    granted = event.detail.get("granted") if event.type in GIVES else None
    items = granted if isinstance(granted, list | tuple) else ()
    found = {item["purpose"] for item in items if isinstance(item, dict) and isinstance(item.get("purpose"), str)}
    return sorted(found | ({event.purpose} if event.type in GIVES and event.purpose else set()))


def _text(detail: dict[str, Any], name: str) -> str:
    value = detail.get(name)
    return value if isinstance(value, str) else ""


def catch_up(
    entries: EntryStore, keys: PersonKeys, projections: ProjectionStore, size: int, *, minimum: int = 0
) -> None:
    """Project every entry below `size` that is not projected yet, from the tree and the sealed details alone.

    `minimum`: the first entry that was not pruned.
    """
    at = max(projections.applied(), minimum)
    while at < size:
        end = min(at + _STEP, size)
        projections.apply(end, project(_read(entries, keys, at, end)))
        at = end


def _read(entries: EntryStore, keys: PersonKeys, start: int, end: int) -> Iterable[Known]:
    details = entries.details(start, end)
    for index, body in enumerate(entries.bodies(start, end), start):
        parts = [row for row in details if row.idx == index]
        event = sealing.restore(body, parts, keys)
        if event is None or not parts:
            continue
        holder = keys.known(event) if event.type in EVIDENCE else keys.opened(parts[0].key_id)
        if holder is not None:
            yield Known(index, event, holder)
