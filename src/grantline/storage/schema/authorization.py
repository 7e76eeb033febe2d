"""Tickets, refresh token families, identifiers used up. Nothing here could be presented by who reads it."""

from sqlalchemy import BLOB, Column, Index, Integer, Text, UniqueConstraint

from grantline.storage.schema.base import table

TICKETS = table(
    "tickets",
    Column("digest", BLOB, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", BLOB, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("redeemed_at", Integer),
    Column("bound", Text),
    Column("notes", BLOB),
    Column("arrived", Text),
    Column("outcome", Text),
)
Index("tickets_by_expiry", TICKETS.c.expires_at)

FAMILIES = table(
    "families",
    Column("family", Text, primary_key=True),
    Column("consent", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("secret", BLOB, nullable=False),
    Column("scope", Text, nullable=False),
    Column("resources", Text, nullable=False),
    Column("jkt", Text),
    Column("x5t", Text),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("rotated_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("sign_in", BLOB),
)
Index("families_by_consent", FAMILIES.c.consent)

BURNED = table(
    "burned",
    Column("id", Integer, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("digest", BLOB, nullable=False),
    Column("until", Integer, nullable=False),
    UniqueConstraint("purpose", "digest", name="burned_once"),
)
Index("burned_by_until", BURNED.c.until)
