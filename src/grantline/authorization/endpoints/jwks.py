"""The public keys that verify what we sign (RFC 7517). Private members never get here."""

import orjson

from grantline.authorization.http import Request, Response
from grantline.authorization.server import Server


async def jwks(server: Server, _request: Request) -> Response:
    """What signs first, then what will sign next, then what still verifies. A key is used once no copy is older."""
    body = orjson.dumps({"keys": [dict(key.jwk) for key in server.keys.published]})
    headers = (
        (b"content-type", b"application/json"),
        (b"cache-control", f"public, max-age={server.settings.jwks_max_age}".encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    return Response(200, body, headers)
