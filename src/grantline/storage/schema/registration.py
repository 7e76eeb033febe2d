"""Clients that no operator declared: how each came, and the tokens by which they may come."""

from sqlalchemy import BLOB, Column, Index, Integer, Text

from grantline.storage.schema.base import table

REGISTRATIONS = table(
    "registrations",
    Column("client", Text, primary_key=True),
    Column("created_at", Integer, nullable=False),
    Column("policy", BLOB, nullable=False),
    Column("token", BLOB),
    Column("fresh_until", Integer),
    Column("settled", Integer, nullable=False),
)
Index("registrations_by_use", REGISTRATIONS.c.settled, REGISTRATIONS.c.created_at)

INITIAL_TOKENS = table(
    "initial_tokens",
    Column("digest", BLOB, primary_key=True),
    Column("policy", BLOB, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
)
