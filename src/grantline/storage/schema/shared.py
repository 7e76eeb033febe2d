"""The outbox and the revocation feed: written in the same transaction as the state they tell of."""

from sqlalchemy import BLOB, Column, Integer, Text

from grantline.storage.schema.base import table

OUTBOX = table(
    "outbox",
    Column("seq", Integer, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("body", BLOB, nullable=False),
)

FEED_HEAD = table(
    "feed_head",
    Column("id", Integer, primary_key=True),
    Column("incarnation", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("chain", BLOB, nullable=False),
)

FEED = table(
    "feed",
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("until", Integer, nullable=False),
    Column("body", BLOB, nullable=False),
    Column("chain", BLOB, nullable=False),
    Column("client", Text),
    Column("requested_us", Integer),
)

SEQUENCES = table(
    "sequences",
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
