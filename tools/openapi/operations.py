"""One entry for each endpoint that programs call: what it is for, who may call it, what it takes and answers."""

from dataclasses import dataclass, field
from typing import Any

from grantline.authorization.endpoints import paths as at
from grantline.authorization.tokens.introspection_answer import MEDIA_TYPE as SIGNED_ANSWER
from tools.openapi import requests
from tools.openapi.security import CLIENT, REGISTRATION, REVOKER, TOKEN

JSON, JWT = "application/json", "application/jwt"
BROWSERS = {at.AUTHORIZE, at.END_SESSION}
"""Where people's browsers are sent: pages and redirects, no API."""
PROOF = {"name": "DPoP", "in": "header", "schema": {"type": "string"}, "description": "A proof (RFC 9449 §4)."}
GRANT_ID = {"name": "grant_id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 100}}
CLIENT_ID = {"name": "client_id", "in": "query", "required": True, "schema": {"type": "string"}}
RESOURCE = {"name": "path", "in": "path", "required": True, "schema": {"type": "string"},
            "description": "The path of the API's own identifier (RFC 9728 §3.1)."}  # fmt: skip
TEXT = {"type": "string"}
HEADERS = {
    "Cache-Control": {"schema": TEXT},
    "DPoP-Nonce": {"description": "What the next proof has to carry; told to whoever sent one.", "schema": TEXT},
}
WHY = {
    400: "The protocol's own error: what is wrong with the request.",
    401: "The caller did not prove who it is, or its token does not count.",
    403: "Proven, and not allowed.",
    404: "Nothing of the caller's is here.",
    413: "The body is larger than the endpoint reads.",
    503: "Not now; nothing was done.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answers`: schema by content type, for the one good `status`; none for 204.

    `errors`: the statuses with an error object. `proof`: a DPoP proof may come with it.
    """

    path: str
    method: str
    name: str
    summary: str
    status: int = 200
    answers: dict[str, Any] = field(default_factory=dict)
    errors: tuple[int, ...] = (400, 401, 403, 413, 503)
    security: list[dict[str, Any]] = field(default_factory=list)
    body: dict[str, Any] | None = None
    parameters: tuple[dict[str, Any], ...] = ()
    proof: bool = False

    def described(self) -> dict[str, Any]:
        """As OpenAPI has it."""
        found: dict[str, Any] = {"operationId": self.name, "summary": self.summary}
        parameters = [*self.parameters, *([PROOF] if self.proof else [])]
        found |= {"parameters": parameters} if parameters else {}
        found |= {"requestBody": self.body} if self.body else {}
        found |= {"security": self.security} if self.security else {}
        return found | {"responses": self._responses()}

    def _responses(self) -> dict[str, Any]:
        good: dict[str, Any] = {"description": self.summary, "headers": HEADERS}
        if self.answers:
            good["content"] = {kind: {"schema": schema} for kind, schema in self.answers.items()}
        bad = {str(status): {"$ref": f"#/components/responses/{status}"} for status in self.errors}
        return {str(self.status): good, **bad}


def refusals() -> dict[str, Any]:
    """What every endpoint answers when it does not do what was asked, by status."""
    return {str(status): _refusal(status, why) for status, why in WHY.items()}


def _refusal(status: int, why: str) -> dict[str, Any]:
    challenge = {"WWW-Authenticate": {"schema": TEXT}} if status == 401 else {}
    return {"description": why, "headers": HEADERS | challenge, "content": {JSON: {"schema": _named("Error")}}}


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> dict[str, Any]:
    return {JSON: _named(name)}


OPERATIONS = (
    Operation(at.OAUTH_METADATA, "get", "metadata", "What this server can do (RFC 8414).",
              answers=_json("ServerMetadata"), errors=(503,)),
    Operation(at.OPENID_METADATA, "get", "openid_metadata", "The same, for OpenID clients.",
              answers=_json("ServerMetadata"), errors=(503,)),
    Operation(at.PROTECTED_RESOURCE + "/{path}", "get", "resource_metadata", "What an API says of itself (RFC 9728).",
              answers=_json("ResourceMetadata"), errors=(400, 404, 503), parameters=(RESOURCE,)),
    Operation(at.JWKS, "get", "keys", "The public keys that sign here (RFC 7517).",
              answers=_json("Keys"), errors=(503,)),
    Operation(at.DETAIL_TYPES, "get", "detail_types", "The authorization details of the catalog, as JSON Schema.",
              answers=_json("DetailTypes"), errors=(503,)),
    Operation(at.PUSHED, "post", "push", "Keeps an authorization request (RFC 9126).", 201, _json("Pushed"),
              security=CLIENT, body=requests.pushed(), proof=True),
    Operation(at.TOKEN, "post", "token", "Tokens for a code, a refresh token or another grant (RFC 6749 §3.2).",
              answers=_json("Token"), security=CLIENT, body=requests.token(), proof=True),
    Operation(at.INTROSPECT, "post", "introspect", "Whether a token counts, and what it says (RFC 7662, 9701).",
              answers={**_json("Introspection"), SIGNED_ANSWER: TEXT}, security=CLIENT, body=requests.introspection()),
    Operation(at.REVOKE, "post", "revoke", "Gives a token back (RFC 7009).", security=CLIENT,
              body=requests.revocation()),
    Operation(at.GLOBAL_REVOCATION, "post", "end_everything", "Ends all tokens and sessions of one person.", 204,
              errors=(400, 401, 403, 404, 413, 503), security=REVOKER, body=requests.everything()),
    Operation(at.USERINFO, "get", "userinfo", "Who the person is, as far as they agreed (OIDC Core §5.3).",
              answers={**_json("Person"), JWT: TEXT}, errors=(400, 401, 403, 503), security=TOKEN, proof=True),
    Operation(at.USERINFO, "post", "userinfo_by_post", "The same by POST.", answers={**_json("Person"), JWT: TEXT},
              security=TOKEN, proof=True),
    Operation(at.DEVICE, "post", "device", "A device asks; somebody answers on another one (RFC 8628).",
              answers=_json("Device"), security=CLIENT, body=requests.device_request(), proof=True),
    Operation(at.BACKCHANNEL, "post", "backchannel", "Asks a person who is somewhere else (OpenID CIBA §7).",
              answers=_json("Backchannel"), security=CLIENT, body=requests.backchannel_request(), proof=True),
    Operation(at.GRANTS + "/{grant_id}", "get", "grant", "What a grant holds (Grant Management §6.4).",
              answers=_json("GrantStatus"), errors=(400, 401, 403, 404, 503), security=TOKEN, parameters=(GRANT_ID,),
              proof=True),
    Operation(at.GRANTS + "/{grant_id}", "delete", "end_grant", "Gives a grant back (Grant Management §6.5).", 204,
              errors=(400, 401, 403, 404, 503), security=TOKEN, parameters=(GRANT_ID,), proof=True),
    Operation(at.REGISTER, "post", "register", "Registers a client (RFC 7591); off unless the operator sets it.", 201,
              _json("ClientInformation"), errors=(400, 401, 404, 413, 503), security=REGISTRATION,
              body=requests.registration()),
    Operation(at.REGISTRATION, "get", "registration", "What stands in a registration (RFC 7592 §2.1).",
              answers=_json("ClientInformation"), errors=(400, 401, 404, 503), security=REGISTRATION,
              parameters=(CLIENT_ID,)),
    Operation(at.REGISTRATION, "put", "change_registration", "Another registration in its place (RFC 7592 §2.2).",
              answers=_json("ClientInformation"), errors=(400, 401, 404, 413, 503), security=REGISTRATION,
              parameters=(CLIENT_ID,), body=requests.registration(replaces=True)),
    Operation(at.REGISTRATION, "delete", "end_registration", "Ends a registration (RFC 7592 §2.3).", 204,
              errors=(400, 401, 404, 503), security=REGISTRATION, parameters=(CLIENT_ID,)),
)  # fmt: skip


def paths() -> dict[str, Any]:
    """The operations by path and method."""
    found: dict[str, Any] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = operation.described()
    return found
