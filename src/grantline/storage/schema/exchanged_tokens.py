"""Which access token was made from which, by an exchange, as long as it may count."""

from sqlalchemy import Column, Index, Integer, Text

from grantline.storage.schema.base import table

EXCHANGED_TOKENS = table(
    "exchanged_tokens",
    Column("token", Text, primary_key=True),
    Column("made_from", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("expires_at", Integer, nullable=False),
)
Index("exchanged_tokens_by_source", EXCHANGED_TOKENS.c.made_from)
Index("exchanged_tokens_by_expiry", EXCHANGED_TOKENS.c.expires_at)
