"""Registrations that clients made themselves, and documents fetched from them."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
