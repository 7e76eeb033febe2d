"""Tables of the ways to sign in: passkeys, apps for codes, recovery codes, links elsewhere, what was begun."""

from sqlalchemy import BLOB, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Text

from grantline.storage.schema.base import table

PASSKEYS = table(
    "passkeys",
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", BLOB, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("synced", Integer, nullable=False),
    Column("made_at", Integer, nullable=False),
    Column("used_at", Integer),
    Index("passkeys_person", "person"),
)

TOTPS = table(
    "totps",
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("sealed", BLOB, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("made_at", Integer, nullable=False),
)

RECOVERY_CODES = table(
    "recovery_codes",
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("used_at", Integer),
    PrimaryKeyConstraint("person", "digest"),
)

LINKS = table(
    "links",
    Column("issuer", Text, nullable=False),
    Column("sub", Text, nullable=False),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("made_at", Integer, nullable=False),
    PrimaryKeyConstraint("issuer", "sub"),
    Index("links_person", "person", "issuer", unique=True),
)

CEREMONIES = table(
    "ceremonies",
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("person", Text),
    Column("body", BLOB, nullable=False),
    Column("ends_at", Integer, nullable=False),
    Column("used_at", Integer),
    Index("ceremonies_by_end", "ends_at"),
)
