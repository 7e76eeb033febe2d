"""A receipt that a person can keep and check without us (shaped after ISO/IEC TS 27560, signed as a JWS)."""

import base64
from datetime import UTC, datetime
from typing import Any

from grantline.catalog import Catalog, to_detail
from grantline.consent import words
from grantline.crypto import jcs
from grantline.crypto.note import Checkpoint
from grantline.crypto.signing import SigningKey
from grantline.model.consent import Item, Party, Purpose, State, Version

SCHEMA = "grantline-receipt-1"
TYPE = "grantline-receipt+jwt"


def receipt(
    *, catalog: Catalog, version: Version, state: State, issuer: str, issued_at: int, log: Checkpoint | None = None
) -> dict[str, Any]:
    """The receipt of one version as plain JSON. `issued_at` in unix seconds; `issuer`: URL of this authority.

    Record fields are those of the version, `text` is made from them and the catalog; `content_hash` ties both to
    the ledger's entry. A version that a later one replaced says so in its event. `log`: the newest checkpoint of the
    ledger; whoever keeps the receipt can show later that the log was another one.
    """
    made = {
        "schema_version": SCHEMA,
        "receipt_id": f"{version.record_id}.{issued_at}",
        "issuer": issuer,
        "issued_at": _time(issued_at),
        "record": {
            "schema_version": version.schema_version,
            "record_id": version.record_id,
            "consent_id": version.consent_id,
            "version": version.version,
            "prev_hash": version.prev_hash,
            "content_hash": version.content_hash,
            "pii_principal_id": version.subject,
        },
        "processing": _processing(catalog, version),
        "authorization_details": [to_detail(item) for item in version.granted],
        "parties": [_party(number, party) for number, party in enumerate(version.parties)],
        "events": _events(version, state),
        "text": list(agreed(catalog, version)),
    }
    if log is not None:
        made["log"] = {"origin": log.origin, "size": log.size, "root": base64.b64encode(log.root).decode()}
    return made


def sign(receipt: dict[str, Any], key: SigningKey) -> str:
    """The receipt over its canonical form (RFC 8785) as a compact JWS by the authority."""
    return key.sign_jws(jcs.canonical(receipt), TYPE)


def agreed(catalog: Catalog, version: Version) -> tuple[str, ...]:
    """What was agreed in this version, line by line."""
    return words.agreed_lines(catalog, version.granted, agreed_at=version.not_before, expires_at=version.expires_at)


def _processing(catalog: Catalog, version: Version) -> dict[str, Any]:
    return {
        "privacy_notice": {"template": version.notice.template, "sha256": version.notice.sha256},
        "language": version.notice.language,
        "purposes": [_purpose(catalog, version, purpose) for purpose in version.purposes],
        "retention_period": version.retention,
        "storage_locations": list(version.storage_locations),
        "jurisdiction": version.jurisdiction,
        "recipient_third_parties": [party.name for party in version.parties if party.role == "recipient"],
        "pii_controllers": [party.name for party in version.parties if party.role == "controller"],
        "withdrawal_method": version.withdrawal_method,
        "privacy_rights": version.rights,
        "authority_party": version.authority,
        "collection_method": {"channel": version.ceremony.channel, "amr": list(version.ceremony.amr)},
    }


def _purpose(catalog: Catalog, version: Version, purpose: Purpose) -> dict[str, Any]:
    items = [item for item in version.granted if item.purpose == purpose.id]
    return {
        "purpose": words.purpose(catalog, purpose.id),
        "purpose_as_agreed": purpose.text,
        "purpose_type": purpose.dpv,
        "purpose_version": purpose.version,
        "lawful_basis": purpose.basis,
        "pii_information": [one for item in items for one in _pii(catalog, item)],
    }


def _pii(catalog: Catalog, item: Item) -> list[dict[str, Any]]:
    return [
        {
            "pii_type": words.data(catalog, item.api, item.datatype),
            "pii_attribute_id": f"{item.api}.{item.datatype}.{field.id}",
            "pii_attribute": field.label,
            "processing": [words.verb(catalog, action) for action in item.actions],
        }
        for field in words.fields(catalog, item)
    ]


def _party(number: int, party: Party) -> dict[str, Any]:
    return {
        "party_id": f"party-{number + 1}",
        "party_role": party.role,
        "party_name": party.name,
        "party_contact": party.contact,
        "party_jurisdiction": party.jurisdiction,
    }


def _events(version: Version, state: State) -> list[dict[str, Any]]:
    """The version's own beginning, and its end as far as it is known."""
    begun = {
        "event_type": "consent given" if version.version == 1 else "consent amended",
        "event_time": _time(version.not_before),
        "event_state": "active",
        "entity_id": version.subject,
        "validity_duration": {"from": _time(version.not_before), "until": _time(version.expires_at)},
    }
    if version.version < state.version:
        return [begun, {"event_type": "consent amended", "event_state": "superseded", "entity_id": version.subject}]
    if state.ended_at is None:
        return [begun]
    ended = {
        "event_type": f"consent {state.status}",
        "event_time": _time(state.ended_at),
        "event_state": str(state.status),
        "entity_id": version.subject if state.ended_by == "person" else state.ended_by,
    }
    return [begun, ended]


def _time(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
