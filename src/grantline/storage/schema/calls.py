"""Calls that were given out of those that a consent allows in all. The number only grows."""

from sqlalchemy import Column, Integer, Text

from grantline.storage.schema.base import table

CALLS = table(
    "calls",
    Column("consent", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("given", Integer, nullable=False),
)
