"""What this server does for signing people in and out, for its metadata (OIDC Discovery §3, the logout documents)."""

from typing import Any

from grantline.authorization.endpoints import paths
from grantline.authorization.server import Server
from grantline.authorization.tokens import about_person
from grantline.parties import SubjectType

ALWAYS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")
"""Claims that tell of the sign-in and need no consent of their own."""


def about_openid(server: Server) -> dict[str, Any]:
    """Only what works now: algorithms are those that there is a key for."""
    algorithms = list(server.keys.algorithms)
    return {
        "userinfo_endpoint": server.issuer + paths.USERINFO,
        "end_session_endpoint": server.issuer + paths.END_SESSION,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "subject_types_supported": [kind.value for kind in SubjectType],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "claim_types_supported": ["normal"],
        "claims_supported": [*ALWAYS, *about_person.CLAIMS],
    }
