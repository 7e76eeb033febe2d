"""What opaque access tokens stand for."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "opaque_tokens",
        sa.Column("digest", sa.BLOB(), nullable=False),
        sa.Column("claims", sa.BLOB(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_strict=True,
    )
    op.create_index("opaque_tokens_by_expiry", "opaque_tokens", ["expires_at"])
