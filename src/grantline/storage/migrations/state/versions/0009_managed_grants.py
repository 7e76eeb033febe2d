"""What clients may do with grants of their own: merge, replace, query, revoke.

No table is new: a change is a version like every other, a request that waits is a ticket, and the right to ask is a
consent.
"""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing to apply."""
