"""How a phase of enforcement ends a call."""

from grantline.model.reasons import Reason


class Refusal(Exception):
    """Raised inside a phase, turned into a Deny in one place. `detail` is for the operator alone.

    `scheme`: the authentication scheme to challenge with, where a phase knows better than the request.
    """

    def __init__(self, reason: Reason, detail: str = "", *, scheme: str | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.scheme = scheme
