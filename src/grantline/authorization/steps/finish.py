"""Goes back to the client with the answer: always to the verified address, always naming who answers (RFC 9207)."""

from urllib.parse import quote

from grantline.authorization.server import Server
from grantline.authorization.steps.request import Parameters
from grantline.authorization.tickets import RequestTicket
from grantline.model.errors import OAuthError


def with_code(server: Server, ticket: RequestTicket, code: str) -> str:
    """The address that brings the code."""
    return _address(ticket.redirect_uri, {"code": code, "state": ticket.state, "iss": server.issuer})


def with_error(server: Server, request: RequestTicket | Parameters, error: OAuthError) -> str:
    """The address that brings an error; only its code and our fixed sentence, nothing internal (checks 12, 13)."""
    assert request.redirect_uri is not None
    answer = {
        "error": error.code, "error_description": error.message, "state": request.state, "iss": server.issuer,
    }  # fmt: skip
    return _address(request.redirect_uri, answer)


def _address(redirect_uri: str, answer: dict[str, str | None]) -> str:
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in answer.items() if value is not None)
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{pairs}"
