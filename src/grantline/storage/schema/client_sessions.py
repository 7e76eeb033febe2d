"""At which clients each session is signed in."""

from sqlalchemy import Column, Index, Integer, Text, UniqueConstraint

from grantline.storage.schema.base import table
from grantline.storage.schema.identity import SESSIONS

CLIENT_SESSIONS = table(
    "client_sessions",
    Column("sid", Text, primary_key=True),
    Column("session", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("begun_at", Integer, nullable=False),
    Column("told_at", Integer),
    Column("tries", Integer, nullable=False),
    Column("due_at", Integer, nullable=False),
    UniqueConstraint("session", "client", name="client_sessions_once"),
)
ENDED = Index("sessions_ended", SESSIONS.c.ended_at)
