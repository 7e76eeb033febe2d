"""Opaque tokens and tokens bound to certificates."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
