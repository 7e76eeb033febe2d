"""Requests that are answered on another device than they began on."""

from sqlalchemy import Column, Index, Integer, Text

from grantline.storage.schema.base import table

ELSEWHERE = table(
    "elsewhere",
    Column("id", Text, primary_key=True),
    Column("way", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("waits_for", Text),
    Column("user_code", Text, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("interval", Integer, nullable=False),
    Column("polled_at", Integer),
    Column("result", Text),
    Column("tell_at", Integer),
    Column("tries", Integer, nullable=False),
)
Index("elsewhere_by_person", ELSEWHERE.c.waits_for, ELSEWHERE.c.expires_at)
Index("elsewhere_by_telling", ELSEWHERE.c.tell_at)
Index("elsewhere_by_expiry", ELSEWHERE.c.expires_at)
