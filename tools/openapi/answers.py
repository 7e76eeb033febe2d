"""What is answered: one schema for each kind of answer. Others than the named members may be there too."""

from typing import Any

import msgspec

from grantline.authorization.endpoints.grants import GrantStatus
from grantline.parties import Metadata
from tools.openapi.requests import members as sent_members

TEXT = {"type": "string"}
TRUTH = {"type": "boolean"}
SECONDS = {"type": "integer", "minimum": 0, "description": "Seconds."}
TIME = {"type": "integer", "description": "Unix seconds."}
DETAILS = {"type": "array", "items": {"type": "object"}, "description": "As agreed, enriched (RFC 9396 §7)."}
KEYS = {"type": "object", "properties": {"keys": {"type": "array", "items": {"type": "object"}}}, "required": ["keys"]}


def _object(required: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": required | (more or {}), "required": list(required)}


def _grant_status() -> dict[str, Any]:
    """The struct that the endpoint answers with, in one piece."""
    definitions = msgspec.json.schema(GrantStatus)["$defs"]
    status: dict[str, Any] = definitions["GrantStatus"]
    scopes = {"type": "array", "items": definitions["GrantedScopes"]}
    return status | {"properties": status["properties"] | {"scopes": scopes}}


TOKEN = _object(
    {"access_token": TEXT, "token_type": {"enum": ["Bearer", "DPoP"]}, "expires_in": SECONDS, "scope": TEXT,
     "authorization_details": DETAILS, "grant_id": TEXT},
    {"refresh_token": TEXT, "id_token": TEXT, "issued_token_type": TEXT, "refresh_token_expires_in": SECONDS},
)  # fmt: skip
INTROSPECTION = _object(
    {"active": TRUTH},
    {"scope": TEXT, "client_id": TEXT, "token_type": TEXT, "exp": TIME, "iat": TIME, "nbf": TIME, "sub": TEXT,
     "aud": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}, "iss": TEXT, "jti": TEXT,
     "authorization_details": DETAILS, "cnf": {"type": "object"}},
)  # fmt: skip
CLIENT_INFORMATION = _object(
    {"client_id": TEXT, "client_id_issued_at": TIME, "registration_client_uri": TEXT,
     "token_endpoint_auth_method": TEXT},
    sent_members(Metadata) | {"client_secret": TEXT, "client_secret_expires_at": TIME,
                              "registration_access_token": TEXT},
)  # fmt: skip
METADATA = _object(
    {"issuer": TEXT, "authorization_endpoint": TEXT, "token_endpoint": TEXT, "jwks_uri": TEXT,
     "response_types_supported": {"type": "array", "items": TEXT}},
)  # fmt: skip
ANSWERS: dict[str, Any] = {
    "Error": _object({"error": TEXT}, {"error_description": TEXT}),
    "Token": TOKEN,
    "Pushed": _object({"request_uri": TEXT, "expires_in": SECONDS}),
    "Device": _object(
        {"device_code": TEXT, "user_code": TEXT, "verification_uri": TEXT, "verification_uri_complete": TEXT,
         "expires_in": SECONDS, "interval": SECONDS}
    ),
    "Backchannel": _object({"auth_req_id": TEXT, "expires_in": SECONDS, "interval": SECONDS}),
    "Introspection": INTROSPECTION,
    "GrantStatus": _grant_status(),
    "ClientInformation": CLIENT_INFORMATION,
    "Person": _object({"sub": TEXT}),
    "ServerMetadata": METADATA,
    "ResourceMetadata": _object({"resource": TEXT, "authorization_servers": {"type": "array", "items": TEXT}}),
    "DetailTypes": {"type": "object", "additionalProperties": {"type": "object"}},
    "Keys": KEYS,
}  # fmt: skip
