"""Consent and call in Cedar's words. The consent becomes entities, parsed once per version; the call a context."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from grantline.model.consent import EnforcedVersion, Item
from grantline.policy.facts import CallFacts, StateFacts

_CATEGORY = {"type": "Grantline::Category", "id": "special"}


def _of(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": f"Grantline::{kind}", "id": name}}


@lru_cache(maxsize=1_024)
def _moment(unix: int) -> dict[str, Any]:
    # Each second is new to the cache, and `strftime` takes ten times as long as this.
    text = datetime.fromtimestamp(unix, UTC).isoformat()
    return {"__extn": {"fn": "datetime", "arg": text.removesuffix("+00:00") + "Z"}}


def _days(count: int) -> dict[str, Any]:
    return {"__extn": {"fn": "duration", "arg": f"{count}d"}}


def grant_entities(version: EnforcedVersion) -> list[dict[str, Any]]:
    """The grant and its items; item n of the version is `Item::"<consent>/<n>"`."""
    grant: dict[str, Any] = {
        "client": _of("Client", version.client),
        "subject": version.subject,
        "start": _moment(version.not_before),
        "end": _moment(version.expires_at),
        "confirmed": _moment(version.confirmed_at),
    }
    if version.confirm_every_days is not None:
        grant["confirmEvery"] = _days(version.confirm_every_days)
    if version.agent:
        grant["agent"] = version.agent
    items = [
        {"uid": {"type": "Grantline::Item", "id": item_name(version, n)}, "attrs": _item(version, item), "parents": []}
        for n, item in enumerate(version.items)
    ]
    return [{"uid": {"type": "Grantline::Grant", "id": version.consent_id}, "attrs": grant, "parents": []}, *items]


def item_name(version: EnforcedVersion, n: int) -> str:
    """The entity id of item `n` of this version."""
    return f"{version.consent_id}/{n}"


def _item(version: EnforcedVersion, item: Item) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "grant": _of("Grant", version.consent_id),
        "data": _of("Data", f"{item.api}/{item.datatype}"),
        "actions": list(item.actions),
        "purpose": item.purpose,
        "resources": list(item.resources),
        "fields": list(item.fields),
        "explicit": bool(item.explicit),
    }
    if item.lookback_days is not None:
        attributes["lookback"] = _days(item.lookback_days)
    return attributes


def data_entity(data: str, *, sensitivity: int, special: bool) -> dict[str, Any]:
    """A kind of data, `api/datatype`, as the catalog describes it."""
    parents = [_CATEGORY] if special else []
    return {"uid": {"type": "Grantline::Data", "id": data}, "attrs": {"sensitivity": sensitivity}, "parents": parents}


def request(version: EnforcedVersion, n: int, standing: StateFacts, call: CallFacts, now: int) -> dict[str, Any]:
    """The question about item `n`, in the one shape that the schema's `Call` has."""
    context: dict[str, Any] = {
        "now": _moment(now),
        "item": _of("Item", item_name(version, n)),
        "state": standing.status.value,
        "epoch": standing.epoch,
        "minEpoch": standing.min_epoch,
        "clientStatus": standing.client_status,
        "action": call.action,
        "subject": call.subject,
        "purpose": call.purpose,
        "resources": call.resources,
        "fields": call.fields,
        "reads": call.reads,
        "keepsOwnRecords": call.keeps_own_records,
        "keepsRecentRecords": call.keeps_recent_records,
    }
    if call.actor is not None:
        context["actor"] = call.actor
    if call.oldest is not None:
        context["oldest"] = {"__extn": {"fn": "datetime", "arg": call.oldest}}
    return {
        "principal": {"type": "Grantline::Client", "id": call.client},
        "action": {"type": "Action", "id": call.action},
        "resource": {"type": "Grantline::Data", "id": call.data},
        "context": orjson.dumps(context).decode(),
    }
