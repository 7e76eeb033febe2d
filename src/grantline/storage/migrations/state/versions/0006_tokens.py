"""Opaque tokens and tokens bound to certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    op.add_column("families", sa.Column("x5t", sa.Text()))
