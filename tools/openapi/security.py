"""How a call shows who makes it."""

from typing import Any

SCHEMES: dict[str, Any] = {
    "client_secret_basic": {
        "type": "http",
        "scheme": "basic",
        "description": "Client id and secret, each form-encoded first (RFC 6749 §2.3.1), for clients registered so.",
    },
    "client_certificate": {
        "type": "mutualTLS",
        "description": "tls_client_auth, self_signed_tls_client_auth and SPIFFE (RFC 8705), at the aliases that the "
        "metadata names.",
    },
    "access_token": {
        "type": "http",
        "scheme": "DPoP",
        "description": "An access token as it was issued: with a proof of its key in the header DPoP (RFC 9449 §7.1).",
    },
    "bearer_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token that is bound to nothing, or to the certificate that it comes with.",
    },
    "registration_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's initial access token (RFC 7591 §3), or that of one registration (RFC 7592).",
    },
    "revoker": {
        "type": "http",
        "scheme": "bearer",
        "description": "A JWT signed by an issuer that the operator trusts to watch over accounts.",
    },
}

CLIENT: list[dict[str, Any]] = [{"client_secret_basic": []}, {"client_certificate": []}, {}]
"""A client proves itself in one way, as it is registered; with none of these it does so in the form."""
TOKEN: list[dict[str, Any]] = [{"access_token": []}, {"bearer_token": []}]
REGISTRATION: list[dict[str, Any]] = [{"registration_token": []}]
REVOKER: list[dict[str, Any]] = [{"revoker": []}]
