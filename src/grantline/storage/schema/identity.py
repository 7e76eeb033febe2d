"""Tables of identity: people, sessions, one-time links, failed attempts."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Text

from grantline.storage.schema.base import table

PEOPLE = table(
    "people",
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("roles", Text, nullable=False),
    Column("resource_names", Text, nullable=False),
    Column("password", Text),
    Column("locked_at", Integer),
)

SESSIONS = table(
    "sessions",
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("auth_time", Integer, nullable=False),
    Column("amr", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("seen_at", Integer, nullable=False),
    Column("ends_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("acr", Text, nullable=False, server_default="urn:grantline:acr:password"),
    Column("agent", Text, nullable=False, server_default=""),
    Index("sessions_person", "person"),
)

ENROLMENTS = table(
    "enrolments",
    Column("id", Text, primary_key=True),
    Column("person", Text),
    Column("ends_at", Integer, nullable=False),
    Column("used_at", Integer),
)

GUESSES = table(
    "guesses",
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("wait_until", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
)
