"""Requests that begin on one device and are answered on another: device codes, backchannel requests."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
