"""Signing keys: public halves and states."""

from sqlalchemy import BLOB, Column, Index, Integer, Text, text

from grantline.storage.schema.base import table

_LIVE = text("state IN ('published', 'active')")

SIGNING_KEYS = table(
    "signing_keys",
    Column("kid", Text, primary_key=True),
    Column("alg", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("custody", Text, nullable=False),
    Column("jwk", BLOB, nullable=False),
    Column("published_at", Integer, nullable=False),
    Column("active_at", Integer),
    Column("retired_at", Integer),
    Column("verifies_until", Integer),
    Column("gone_at", Integer),
    Column("compromised", Integer, nullable=False),
    # Two processes that rotate at once meet here: one of them finds the place taken.
    Index("signing_keys_one_of_each", "alg", "state", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)
