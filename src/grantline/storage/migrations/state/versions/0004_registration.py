"""Registrations that clients made themselves, and documents fetched from them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "registrations",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("policy", sa.BLOB(), nullable=False),
        sa.Column("token", sa.BLOB(), nullable=True),
        sa.Column("fresh_until", sa.Integer(), nullable=True),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("client"),
        sqlite_strict=True,
    )
    op.create_index("registrations_by_use", "registrations", ["settled", "created_at"])
    op.create_table(
        "initial_tokens",
        sa.Column("digest", sa.BLOB(), nullable=False),
        sa.Column("policy", sa.BLOB(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_strict=True,
    )
