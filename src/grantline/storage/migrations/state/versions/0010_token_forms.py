"""Opaque tokens, and what ends them all at once."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply."""
