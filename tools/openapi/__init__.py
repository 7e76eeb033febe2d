"""docs/openapi.json: every endpoint that programs call, in OpenAPI 3.1, made of what the endpoints read."""

import json
from typing import Any

from grantline import __version__
from tools.openapi.answers import ANSWERS
from tools.openapi.operations import paths, refusals
from tools.openapi.security import SCHEMES

ABOUT = (
    "The endpoints of one authorization server that programs call. Pages for people, and /authorize and /logout, where "
    "browsers go, are not among them, nor is /gateway/*, which serves the gateways of the same release. There is no "
    "administration API over HTTP: operators use the commands of `grantline` on the host. Parameters that an endpoint "
    "does not know are ignored, repeated ones are refused."
)


def document() -> dict[str, Any]:
    """The whole description; addresses are below the issuer, which stands for the server."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Grantline authorization server",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "{issuer}", "variables": {"issuer": {"default": "http://localhost:9000"}}}],
        "paths": paths(),
        "components": {"schemas": ANSWERS, "responses": refusals(), "securitySchemes": SCHEMES},
    }


def page() -> str:
    """The file as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
