"""Where each endpoint is found below the issuer."""

OAUTH_METADATA = "/.well-known/oauth-authorization-server"
OPENID_METADATA = "/.well-known/openid-configuration"
JWKS = "/jwks"
PUSHED = "/par"
AUTHORIZE = "/authorize"
TOKEN = "/token"  # noqa: S105 - a path
INTROSPECT = "/introspect"
REVOKE = "/revoke"
GLOBAL_REVOCATION = "/global-token-revocation"
USERINFO = "/userinfo"
PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
END_SESSION = "/logout"
DETAIL_TYPES = "/authorization-details-types"
REGISTER = "/register"
REGISTRATION = "/registration"
DEVICE = "/device_authorization"
BACKCHANNEL = "/backchannel-authentication"
GRANTS = "/grants"

ALIASED = {
    "token_endpoint": TOKEN,
    "pushed_authorization_request_endpoint": PUSHED,
    "introspection_endpoint": INTROSPECT,
    "revocation_endpoint": REVOKE,
    "userinfo_endpoint": USERINFO,
    "device_authorization_endpoint": DEVICE,
    "backchannel_authentication_endpoint": BACKCHANNEL,
    "grant_management_endpoint": GRANTS,
}
"""Endpoints where a client may show a certificate, by their name in the metadata."""

FOR_BROWSER_APPS = frozenset(
    {OAUTH_METADATA, OPENID_METADATA, PROTECTED_RESOURCE, JWKS, DETAIL_TYPES, PUSHED, TOKEN, REVOKE, USERINFO}
)
"""Scripts of other origins may call these; never authorize (check 29)."""
