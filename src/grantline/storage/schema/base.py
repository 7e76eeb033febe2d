"""What all tables share. A `tenant` column stands in each from the first migration on."""

from typing import Any

from sqlalchemy import Column, MetaData, Table, Text

METADATA = MetaData()


def table(name: str, *parts: Any, metadata: MetaData = METADATA) -> Table:
    """A STRICT table with a tenant column (one tenant per instance for now); `metadata` names another database."""
    tenant: Column[str] = Column("tenant", Text, nullable=False, server_default="default")
    return Table(name, metadata, *parts, tenant, sqlite_strict=True)
