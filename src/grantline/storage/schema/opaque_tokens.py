"""What opaque access tokens stand for. A token itself is nowhere: only its hash, as long as it may count."""

from sqlalchemy import BLOB, Column, Index, Integer

from grantline.storage.schema.base import table

OPAQUE_TOKENS = table(
    "opaque_tokens",
    Column("digest", BLOB, primary_key=True),
    Column("claims", BLOB, nullable=False),
    Column("expires_at", Integer, nullable=False),
)
Index("opaque_tokens_by_expiry", OPAQUE_TOKENS.c.expires_at)
