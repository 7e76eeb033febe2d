"""What the metadata says about requests that are answered on another device (RFC 8628 §4, CIBA §4)."""

from typing import Any

from grantline.authorization.endpoints import paths
from grantline.authorization.endpoints.request_metadata import request_algorithms
from grantline.authorization.server import Server
from grantline.parties import Delivery


def about_elsewhere(server: Server) -> dict[str, Any]:
    """There is no push: tokens leave this server only as the answer to who proved itself."""
    return {
        "device_authorization_endpoint": server.issuer + paths.DEVICE,
        "backchannel_authentication_endpoint": server.issuer + paths.BACKCHANNEL,
        "backchannel_token_delivery_modes_supported": [mode.value for mode in Delivery],
        "backchannel_authentication_request_signing_alg_values_supported": list(request_algorithms()),
        "backchannel_user_code_parameter_supported": False,
    }
