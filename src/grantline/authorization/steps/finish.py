"""Goes back to the client with the answer: always to the verified address, always naming who answers (RFC 9207)."""

from grantline.authorization.response_modes import Back, Delivery, deliver
from grantline.authorization.server import Server
from grantline.model.errors import OAuthError


def with_code(server: Server, back: Back, code: str) -> Delivery:
    """What brings the code."""
    return deliver(server, back, {"code": code})


def with_error(server: Server, back: Back, error: OAuthError) -> Delivery:
    """What brings an error; only its code and our fixed sentence, nothing internal (checks 12, 13)."""
    return deliver(server, back, {"error": error.code, "error_description": error.message})
