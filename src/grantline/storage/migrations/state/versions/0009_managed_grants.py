"""What clients may do with grants of their own: merge, replace, query, revoke."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
