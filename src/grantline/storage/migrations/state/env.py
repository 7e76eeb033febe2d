"""Alembic's entry for the authority's state file."""

from grantline.storage.migrations.environment import upgrade
from grantline.storage.schema import METADATA

upgrade(METADATA)
