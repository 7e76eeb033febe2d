"""OCSF 1.8: which class and activity an entry is, and the attributes that class requires.

What OCSF has no attribute for stands in `unmapped`: `delegation`, and the entry's place in the log.
"""

from typing import Any, NamedTuple

import orjson

from grantline.ledger.formats.record import Record

VERSION = "1.8.0"
OTHER = 99


class Class(NamedTuple):
    """`category_uid`, `class_uid`."""

    category: int
    uid: int


FINDING = Class(2, 2004)
ACCOUNT = Class(3, 3001)
AUTHENTICATION = Class(3, 3002)
ENTITY = Class(3, 3004)
ACCESS = Class(3, 3005)
LIFECYCLE = Class(6, 6002)
API = Class(6, 6003)
DATASTORE = Class(6, 6005)

_CRUD = {"create": 1, "read": 2, "list": 2, "update": 3, "delete": 4}
KINDS: dict[str, tuple[Class, int]] = {
    "consent.requested": (ENTITY, 1), "consent.given": (ACCESS, 1), "consent.refused": (ENTITY, OTHER),
    "consent.amended": (ACCESS, 1), "consent.withdrawn": (ACCESS, 2), "consent.revoked": (ACCESS, 2),
    "consent.expired": (ACCESS, 2), "consent.closed": (ENTITY, 11), "consent.drained": (ENTITY, OTHER),
    "consent.passed_on": (ACCESS, 1),
    "token.issued": (AUTHENTICATION, 3), "token.refreshed": (AUTHENTICATION, 5), "token.exchanged": (AUTHENTICATION, 3),
    "token.introspected": (AUTHENTICATION, 4), "token.revoked": (AUTHENTICATION, OTHER),
    "token.family_ended": (AUTHENTICATION, OTHER), "token.person_revoked": (AUTHENTICATION, OTHER),
    "identity.sign_in": (AUTHENTICATION, 1), "identity.sign_in_failed": (AUTHENTICATION, 1),
    "identity.sign_out": (AUTHENTICATION, 2), "identity.enrolled": (ACCOUNT, 1),
    "identity.password_changed": (ACCOUNT, 3), "identity.locked": (ACCOUNT, 9), "identity.unlocked": (ACCOUNT, 12),
    "signin.method_added": (ACCOUNT, 10), "signin.method_removed": (ACCOUNT, 11),
    "signin.method_used_up": (ACCOUNT, OTHER),
    "registry.client": (ENTITY, 3), "registry.catalog": (ENTITY, 3), "registry.policy": (ENTITY, 3),
    "registry.issuer": (ENTITY, 3), "client.registered": (ENTITY, 1), "client.updated": (ENTITY, 3),
    "client.removed": (ENTITY, 4), "gateway.enrolled": (ENTITY, 1),
    "gateway.decision": (API, OTHER), "gateway.outcome": (API, OTHER),
    "gateway.joined": (LIFECYCLE, 3), "gateway.started": (LIFECYCLE, 3), "gateway.left": (LIFECYCLE, 4),
    "gateway.fenced": (LIFECYCLE, 4), "log.started": (LIFECYCLE, 3), "log.gap": (LIFECYCLE, OTHER),
    "log.repeated": (LIFECYCLE, OTHER), "producer.heartbeat": (LIFECYCLE, OTHER), "key.rotated": (LIFECYCLE, 8),
    "feed.incarnation": (LIFECYCLE, 8),
    "finding.raised": (FINDING, 1), "ledger.queried": (DATASTORE, 4),
    "ledger.held": (DATASTORE, 3), "ledger.hold_lifted": (DATASTORE, 3), "retention.purged": (DATASTORE, 7),
    "log.pruned": (DATASTORE, 7), "privacy.erased": (DATASTORE, 7),
}  # fmt: skip


def ocsf(record: Record) -> bytes:
    """One JSON object. Times are unix milliseconds; `metadata.sequence` is the index in the log."""
    leaf = record.leaf
    kind, activity = KINDS.get(record.code, (LIFECYCLE, OTHER))
    if kind is API:
        activity = _CRUD.get(leaf["act"], OTHER)
    event: dict[str, Any] = {
        "category_uid": kind.category,
        "class_uid": kind.uid,
        "activity_id": activity,
        "type_uid": kind.uid * 100 + activity,
        "time": leaf["t"] // 1_000,
        "severity_id": 4 if kind is FINDING else 1,
        "status_id": 1 if leaf["out"] == "permit" else 2,
        "metadata": _metadata(record),
        "raw_data_hash": {"algorithm_id": 3, "algorithm": "SHA-256", "value": record.hash},
        "unmapped": {
            "delegation": record.delegation,
            "log": {"origin": record.origin, "index": record.index, "leaf": record.hash},
        },
        **_required(kind, record),
    }
    if "rsn" in leaf:
        event["status_detail"] = leaf["rsn"]
    return orjson.dumps(event)


def _metadata(record: Record) -> dict[str, Any]:
    leaf = record.leaf
    told = {
        "version": VERSION, "uid": leaf["id"], "event_code": leaf["type"], "sequence": record.index,
        "logged_time": leaf["tc"] // 1_000, "log_name": record.origin,
        "product": {"name": "Grantline", "vendor_name": "Grantline"},
    }  # fmt: skip
    return told | ({"correlation_uid": leaf["tr"]} if "tr" in leaf else {})


def _required(kind: Class, record: Record) -> dict[str, Any]:
    """What the class requires besides, as far as a leaf tells: pseudonyms of people, names of clients and producers."""
    leaf = record.leaf
    user = {"uid": leaf.get("ps") or "unknown", "type_id": 1 if "ps" in leaf else 0}
    actor: dict[str, Any] = {"user": {"uid": leaf.get("pa") or leaf.get("ps") or "unknown", "type_id": 0}}
    if "client" in leaf:
        actor["app_name"] = leaf["client"]
    if "pol" in leaf:
        actor["authorizations"] = [{"decision": leaf["out"], "policy": {"uid": leaf["pol"]}}]
    required: dict[Class, dict[str, Any]] = {
        FINDING: {"finding_info": {"uid": leaf["id"], "title": leaf.get("rsn") or leaf["type"]}},
        ACCOUNT: {"user": user, "actor": actor},
        AUTHENTICATION: {"user": user, "actor": actor, "service": {"name": leaf["prod"]}},
        ENTITY: {"actor": actor,
                 "entity": {"type": leaf["res"], "uid": leaf.get("cns") or leaf.get("client") or leaf["id"]}},
        ACCESS: {"user": user, "actor": actor, "privileges": [leaf.get("pur") or "consent"],
                 "resource": {"type": "consent", "uid": leaf.get("cns") or "unknown"}},
        LIFECYCLE: {"app": {"name": leaf["prod"]}, "actor": actor},
        API: {"actor": actor, "src_endpoint": {"name": leaf.get("client") or "unknown"},
              "api": {"operation": leaf["act"], "service": {"name": leaf["prod"]}, "group": {"name": leaf["res"]}}},
        DATASTORE: {"actor": actor, "src_endpoint": {"name": leaf["prod"]}, "type_id": 1, "type": "Database",
                    "database": {"name": record.origin, "type_id": OTHER}},
    }  # fmt: skip
    return required[kind]
