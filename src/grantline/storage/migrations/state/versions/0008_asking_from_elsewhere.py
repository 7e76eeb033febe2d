"""Requests that begin on one device and are answered on another: device codes, backchannel requests; locked people."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "elsewhere",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("user_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.Integer(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("tell_at", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_code"),
        sqlite_strict=True,
    )
    op.create_index("elsewhere_by_person", "elsewhere", ["waits_for", "expires_at"])
    op.create_index("elsewhere_by_telling", "elsewhere", ["tell_at"])
    op.create_index("elsewhere_by_expiry", "elsewhere", ["expires_at"])
    op.add_column("people", sa.Column("locked_at", sa.Integer(), nullable=True))
