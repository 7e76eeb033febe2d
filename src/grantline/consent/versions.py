"""Composes a version: everything that was agreed, from the objects that were asked, shown and picked."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from grantline.catalog import Asked, Catalog
from grantline.consent.ask import HOW_TO_STOP, retention
from grantline.consent.offer import Approval
from grantline.consent.sealing import SCHEMA, seal
from grantline.model.consent import Ceremony, Item, Notice, Party, State, Version
from grantline.model.ids import ApiId

NOTICE_TEMPLATE = "consent/1"
NARROWER_TEMPLATE = "narrower/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An approval that passed all guards. `offered`: the effective request; `scope`: what is left of the requested.

    `shown`: the text that was put before the person, line by line.
    """

    approval: Approval
    offered: tuple[Asked, ...]
    scope: str
    shown: tuple[str, ...]


def text_hash(lines: Iterable[str]) -> str:
    """SHA-256 (hex) of rendered lines, joined by line feeds."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def compose(
    catalog: Catalog, state: State, agreement: Agreement, *, record_id: str, now: int, before: Version | None
) -> Version:
    """The sealed version that `state.version` names. `before`: the version it follows."""
    approval, operator = agreement.approval, catalog.file.operator
    client, granted = approval.client, approval.agreed.items
    purposes = tuple(dict.fromkeys(item.purpose for item in granted))
    return seal(
        Version(
            schema_version=SCHEMA,
            record_id=record_id,
            consent_id=state.consent_id,
            version=state.version,
            prev_hash=before.content_hash if before else None,
            subject=state.subject,
            acted_by="self",
            client=state.client,
            client_name=client.card.name,
            client_metadata_hash=client.metadata_hash,
            parties=(
                Party(role="recipient", name=client.card.publisher, contact=client.contact,
                      jurisdiction=client.jurisdiction),
                Party(role="controller", name=operator.name, contact=operator.contact,
                      jurisdiction=operator.jurisdiction),
            ),
            purposes=tuple(catalog.purpose(purpose) for purpose in purposes),
            requested=tuple(one.item for one in approval.asked),
            offered=tuple(one.item for one in agreement.offered),
            granted=granted,
            scope=agreement.scope,
            not_before=now,
            expires_at=approval.agreed.expires_at,
            confirm_every_days=None,
            notice=Notice(
                template=NOTICE_TEMPLATE, language=approval.language, sha256=text_hash(agreement.shown)
            ),
            ceremony=approval.ceremony,
            retention=retention(catalog, purposes),
            storage_locations=operator.storage_locations,
            jurisdiction=operator.jurisdiction,
            withdrawal_method=HOW_TO_STOP,
            rights=operator.rights,
            authority=operator.authority,
            resource_subjects=known_to(approval.resource_subjects, granted),
        )
    )  # fmt: skip


def narrower(
    before: Version, *, granted: tuple[Item, ...], scope: str, expires_at: int, shown: tuple[str, ...],
    ceremony: Ceremony, record_id: str, now: int,
) -> Version:  # fmt: skip
    """The sealed next version with less in it. All else stays as it was agreed, in the words of that time."""
    purposes = {item.purpose for item in granted}
    return seal(
        msgspec.structs.replace(
            before,
            record_id=record_id,
            version=before.version + 1,
            prev_hash=before.content_hash,
            purposes=tuple(purpose for purpose in before.purposes if purpose.id in purposes),
            granted=granted,
            scope=scope,
            not_before=now,
            expires_at=expires_at,
            notice=Notice(template=NARROWER_TEMPLATE, language=before.notice.language, sha256=text_hash(shown)),
            ceremony=ceremony,
            resource_subjects=known_to(before.resource_subjects, granted),
            content_hash="",
        )
    )


def known_to(subjects: tuple[tuple[ApiId, str], ...], granted: tuple[Item, ...]) -> tuple[tuple[ApiId, str], ...]:
    """A person's name at an API is kept only for the APIs that were granted."""
    apis = {item.api for item in granted}
    return tuple((api, name) for api, name in subjects if api in apis)
