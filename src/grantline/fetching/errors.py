"""What comes of a fetch that does not succeed."""

from grantline.model.errors import GrantlineError


class CannotFetch(GrantlineError):
    """Nothing was fetched. The message says no more than that: callers must not learn what is behind our network.

    `detail`: the reason, for the operator's log alone.
    """

    def __init__(self, url: str, detail: str) -> None:
        super().__init__("The address could not be fetched.", detail=f"{url[:200]}: {detail}")
