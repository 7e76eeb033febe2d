"""Tables of signals: enrolled gateways, their sessions, closures, and what the feed itself must remember."""

from sqlalchemy import BLOB, Column, ForeignKey, Index, Integer, Text

from grantline.storage.schema.base import table

GATEWAYS = table(
    "gateways",
    Column("gateway", Text, primary_key=True),
    Column("thumbprint", Text, nullable=False, unique=True),
    Column("jwk", BLOB, nullable=False),
    Column("enrolled_us", Integer, nullable=False),
    Column("removed_us", Integer),
)

GATEWAY_TOKENS = table(
    "gateway_tokens",
    Column("hash", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("ends_at", Integer, nullable=False),
    Column("used_at", Integer),
)

GATEWAY_SESSIONS = table(
    "gateway_sessions",
    Column("session", Text, primary_key=True),
    Column("gateway", Text, ForeignKey("gateways.gateway"), nullable=False),
    Column("boot", Text, nullable=False),
    Column("opened_us", Integer, nullable=False),
    Column("ended_us", Integer),
    Column("retired_us", Integer),
    Index("gateway_sessions_retired", "retired_us"),
)

CLOSURES = table(
    "closures",
    Column("seq", Integer, primary_key=True),
    Column("incarnation", Integer, nullable=False),
    Column("consent", Text, nullable=False),
    Column("drained", Integer, nullable=False),
    Column("body", BLOB, nullable=False),
    Index("closures_consent", "consent"),
    Index("closures_drained", "drained"),
)

FEED_BASE = table(
    "feed_base",
    Column("id", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("chain", BLOB, nullable=False),
    Column("policy", Text, nullable=False),
    Column("catalog", Text, nullable=False),
)

FEED_KEEPER = table(
    "feed_keeper",
    Column("id", Integer, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("proofs", Integer, nullable=False),
    Column("lease_ms", Integer, nullable=False),
)
