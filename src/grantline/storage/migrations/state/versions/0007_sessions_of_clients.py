"""At which clients each session is signed in; what the ID tokens of a family say of the sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "client_sessions",
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("sid"),
        sa.UniqueConstraint("session", "client", name="client_sessions_once"),
        sqlite_strict=True,
    )
    op.create_index("sessions_ended", "sessions", ["ended_at"])
    op.add_column("families", sa.Column("sign_in", sa.BLOB(), nullable=True))
