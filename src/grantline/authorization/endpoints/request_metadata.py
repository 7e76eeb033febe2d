"""What the metadata says about authorization requests and their answers: each member from what checks them."""

from typing import Any

from grantline.authorization.client_keys import accepted_algorithms
from grantline.authorization.endpoints import paths
from grantline.authorization.response_modes import MODES
from grantline.authorization.server import Server
from grantline.authorization.steps.asking import PROMPTS
from grantline.identity import SUPPORTED
from grantline.parties import PROFILES

LANGUAGES = ("en",)
"""In which the pages speak."""


def about_requests(server: Server) -> dict[str, Any]:
    """RFC 9101 §10.5, JARM §3, OIDC Discovery §3, RFC 9396 §10, OIDC Prompt Create §4.2."""
    return {
        "response_types_supported": ["code"],
        "response_modes_supported": list(MODES),
        "request_parameter_supported": True,
        "request_uri_parameter_supported": server.fetch is not None,
        "require_request_uri_registration": True,
        "require_signed_request_object": False,
        "require_pushed_authorization_requests": False,
        "request_object_signing_alg_values_supported": list(request_algorithms()),
        "authorization_signing_alg_values_supported": list(server.keys.algorithms),
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": [api.type for api in server.catalog().file.apis.values()],
        "authorization_details_types_metadata_endpoint": server.issuer + paths.DETAIL_TYPES,
        "claims_parameter_supported": True,
        "prompt_values_supported": list(PROMPTS),
        "acr_values_supported": list(SUPPORTED),
        "ui_locales_supported": list(LANGUAGES),
    }


def request_algorithms() -> dict[str, None]:
    """What any profile takes, ours first."""
    named = (algorithm for rules in PROFILES.values() for algorithm in rules.algorithms)
    return dict.fromkeys((*accepted_algorithms(None), *named))
