"""Registered clients: the registration as one document, found by id."""

from sqlalchemy import BLOB, Column, Integer, Text

from grantline.storage.schema.base import table

CLIENTS = table(
    "clients",
    Column("id", Text, primary_key=True),
    Column("body", BLOB, nullable=False),
    Column("changed_at", Integer, nullable=False),
)
