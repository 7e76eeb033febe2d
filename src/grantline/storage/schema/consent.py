"""Consents: one row of state each, and versions that the database itself refuses to change."""

from sqlalchemy import BLOB, DDL, Column, ForeignKey, Index, Integer, Text, event

from grantline.storage.schema.base import table
from grantline.storage.schema.guards import append_only

CONSENTS = table(
    "consents",
    Column("consent_id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("min_epoch", Integer, nullable=False),
    Column("confirmed_at", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("cause", Text),
    Column("ended_by", Text),
    Column("expires_at", Integer),
)

BY_PERSON = Index("consents_by_person", CONSENTS.c.person, CONSENTS.c.created_at)
BY_CLIENT = Index("consents_by_client", CONSENTS.c.client, CONSENTS.c.created_at)
BY_END = Index("consents_by_end", CONSENTS.c.status, CONSENTS.c.expires_at)
BY_QUESTION = Index("consents_by_question", CONSENTS.c.status, CONSENTS.c.created_at)

VERSIONS = table(
    "consent_versions",
    Column("consent_id", Text, ForeignKey("consents.consent_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("ceremony", Text, nullable=False),
    Column("body", BLOB, nullable=False),
)

ONE_ACT_ONE_VERSION = Index("consent_versions_by_ceremony", VERSIONS.c.consent_id, VERSIONS.c.ceremony, unique=True)

GUARDS = append_only("consent_versions", "versions are append-only")
"""A version is never changed and never removed, whoever holds the connection."""

VERSIONS.info["guards"] = GUARDS
for _dialect, _guards in GUARDS.items():
    for _guard in _guards:
        event.listen(VERSIONS, "after_create", DDL(_guard).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
