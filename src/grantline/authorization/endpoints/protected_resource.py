"""The metadata of each API, also at the authorization server that its tokens come from (RFC 9728 §3)."""

from typing import Any

from grantline.authorization.endpoints import paths
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.server import Server
from grantline.authorization.steps.request import OPENID
from grantline.catalog import metadata_path, resource_metadata
from grantline.crypto.dpop import ALGORITHMS
from grantline.model.ids import ApiId


async def protected_resource(server: Server, request: Request) -> Response:
    """The document of the API with this path, else of this name; without either that of userinfo, which is ours."""
    if request.path == paths.PROTECTED_RESOURCE:
        return json_response(_own(server))
    file = server.catalog().file
    tail = request.path.removeprefix(f"{paths.PROTECTED_RESOURCE}/")
    found = [api for api, entry in file.apis.items() if metadata_path(entry.resource) == request.path]
    # Two hosts may have one path: then an API is found by its name alone.
    api = found[0] if len(found) == 1 else ApiId(tail)
    if api not in file.apis:
        return json_response({"error": "not_found"}, 404)
    return json_response(resource_metadata(file, api, server.issuer))


def _own(server: Server) -> dict[str, Any]:
    return {
        "resource": server.issuer,
        "authorization_servers": [server.issuer],
        "scopes_supported": [OPENID],
        "bearer_methods_supported": ["header", "body"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
