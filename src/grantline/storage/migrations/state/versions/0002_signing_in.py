"""Passkeys, one-time codes, recovery codes, linked accounts."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
