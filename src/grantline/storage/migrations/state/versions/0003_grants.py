"""Device codes, back-channel requests, descendants of a grant."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
