"""Why an answer cannot be passed on. One error, told to the operator; the caller learns only that it happened."""

from grantline.model.errors import GrantlineError


class Unfilterable(GrantlineError):
    """The answer cannot be cut surely to what was agreed, so nothing of it may pass. The message is for operators."""
