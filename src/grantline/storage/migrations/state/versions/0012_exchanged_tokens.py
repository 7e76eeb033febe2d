"""Which access token was made from which."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "exchanged_tokens",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("made_from", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("token"),
        sqlite_strict=True,
    )
    op.create_index("exchanged_tokens_by_source", "exchanged_tokens", ["made_from"])
    op.create_index("exchanged_tokens_by_expiry", "exchanged_tokens", ["expires_at"])
