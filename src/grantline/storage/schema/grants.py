"""What was passed on from which consent, and whose assertions are believed."""

from sqlalchemy import BLOB, Column, Index, Integer, Text

from grantline.storage.schema.base import table
from grantline.storage.schema.consent import CONSENTS

DESCENTS = table(
    "descents",
    Column("consent", Text, primary_key=True),
    Column("parent", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("client", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("expires_at", Integer, nullable=False),
)
Index("descents_by_parent", DESCENTS.c.parent, DESCENTS.c.client)
BY_SUBJECT = Index("consents_by_subject", CONSENTS.c.subject, CONSENTS.c.client)

TRUSTED_ISSUERS = table(
    "trusted_issuers",
    Column("issuer", Text, primary_key=True),
    Column("body", BLOB, nullable=False),
    Column("changed_at", Integer, nullable=False),
)
