"""An introspection answer that shows by itself who gave it, and to whom (RFC 9701). It is no access token."""

from typing import Any

import orjson

from grantline.authorization.http import NOT_KEPT, Request, Response
from grantline.authorization.server import Server
from grantline.authorization.tokens.id_token import DEFAULT_ALG
from grantline.parties import Client

TYP = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYP}"


def is_asked_for(request: Request) -> bool:
    """True if the caller names this form among those it accepts; a wildcard means JSON (§4)."""
    ranges = (part for value in request.values("accept") for part in value.lower().split(","))
    return any(_accepts(part) for part in ranges)


def _accepts(part: str) -> bool:
    """One media range: ours, and not with a weight of nothing (RFC 9110 §12.4.2)."""
    name, *parameters = (piece.strip() for piece in part.split(";"))
    return name == MEDIA_TYPE and not any(
        one.startswith("q=") and one[2:].strip("0") in {"", "."} for one in parameters
    )


def sign(server: Server, caller: Client, answer: dict[str, Any]) -> Response:
    """The answer for this caller, by the algorithm that it registered, else ES256 (§5).

    What it says of the token stands in one claim, so that nothing of it can be taken for a claim of the answer.
    """
    claims = {"iss": server.issuer, "aud": caller.id, "iat": server.now(), "token_introspection": answer}
    key = server.keys.for_alg(caller.algorithms.introspection or DEFAULT_ALG)
    body = key.sign_jws(orjson.dumps(claims), TYP)
    return Response(200, body.encode(), ((b"content-type", MEDIA_TYPE.encode()), *NOT_KEPT))
