"""The public keys that verify what we sign (RFC 7517). Private members never get here."""

from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.server import Server


async def jwks(server: Server, _request: Request) -> Response:
    """The signing key first, then retired ones that still verify."""
    keys = [server.keys.signing.public, *server.keys.retired]
    return json_response({"keys": [key.jwk for key in keys]})
