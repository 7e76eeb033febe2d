"""Signing keys with their life."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("alg", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("custody", sa.Text(), nullable=False),
        sa.Column("jwk", sa.BLOB(), nullable=False),
        sa.Column("published_at", sa.Integer(), nullable=False),
        sa.Column("active_at", sa.Integer(), nullable=True),
        sa.Column("retired_at", sa.Integer(), nullable=True),
        sa.Column("verifies_until", sa.Integer(), nullable=True),
        sa.Column("gone_at", sa.Integer(), nullable=True),
        sa.Column("compromised", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("kid"),
        sqlite_strict=True,
    )
    live = sa.text("state IN ('published', 'active')")
    op.create_index(
        "signing_keys_one_of_each",
        "signing_keys",
        ["alg", "state"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
