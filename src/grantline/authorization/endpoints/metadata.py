"""Says what this server can do, and only that (RFC 8414, OIDC Discovery). Made from settings, never from a request."""

from typing import Any

from grantline.authorization.client_auth import methods
from grantline.authorization.endpoints import paths
from grantline.authorization.endpoints.elsewhere_metadata import about_elsewhere
from grantline.authorization.endpoints.grant_metadata import about_grants
from grantline.authorization.endpoints.openid_metadata import about_openid
from grantline.authorization.endpoints.request_metadata import about_requests
from grantline.authorization.grants import grants
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.server import Server
from grantline.authorization.steps import revoker
from grantline.authorization.steps.request import OFFLINE, OWN_GRANTS
from grantline.authorization.tokens import about_person
from grantline.crypto.dpop import ALGORITHMS
from grantline.parties import AuthMethod


async def metadata(server: Server, _request: Request) -> Response:
    """The same document under both well-known names."""
    return json_response(describe(server))


def describe(server: Server) -> dict[str, Any]:
    """The metadata members (RFC 8414 §2, RFC 9126 §5, RFC 9207 §3, RFC 9396 §10, RFC 9449 §5.1)."""
    issuer = server.issuer
    file = server.catalog().file
    served = [method.name.value for method in methods() if method.served(server)]
    proving = [name for name in served if name != AuthMethod.NONE]
    offline = [OFFLINE] if "refresh_token" in grants() else []
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + paths.AUTHORIZE,
        "token_endpoint": issuer + paths.TOKEN,
        "pushed_authorization_request_endpoint": issuer + paths.PUSHED,
        "introspection_endpoint": issuer + paths.INTROSPECT,
        "revocation_endpoint": issuer + paths.REVOKE,
        "global_token_revocation_endpoint": issuer + paths.GLOBAL_REVOCATION,
        "global_token_revocation_endpoint_auth_methods_supported": [revoker.TYP],
        "jwks_uri": issuer + paths.JWKS,
        "scopes_supported": [*about_person.SCOPES, *offline, *OWN_GRANTS, *file.scopes],
        "client_id_metadata_document_supported": server.documents is not None,
        "grant_types_supported": list(grants()),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": served,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_signing_alg_values_supported": list(server.keys.algorithms),
        "revocation_endpoint_auth_methods_supported": served,
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "refresh_token_expiration_types_supported": ["authorization", "token_timeout"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        **about_requests(server),
        **about_grants(server),
        **about_openid(server),
        **about_elsewhere(server),
        **({"registration_endpoint": issuer + paths.REGISTER} if server.registration.dynamic else {}),
        **_with_certificates(server),
    }


def _with_certificates(server: Server) -> dict[str, Any]:
    """Where clients with certificates go (RFC 8705 §3.3, §5); nothing where there is no door for them."""
    if server.mtls is None:
        return {}
    return {
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": {name: server.mtls.base + path for name, path in paths.ALIASED.items()},
    }
