"""Client metadata as clients themselves say it (RFC 7591 §2, OIDC Registration §2 and its relatives)."""

from typing import Any

import msgspec

from grantline.model.errors import OAuthError


class InvalidRedirectUris(OAuthError):
    """A redirect URI may not be registered (RFC 7591 §3.2.2)."""

    code = "invalid_redirect_uri"


class InvalidMetadata(OAuthError):
    """A member of the metadata is wrong, or beyond what this client may have (RFC 7591 §3.2.2)."""

    code = "invalid_client_metadata"


class InvalidStatement(OAuthError):
    """The software statement does not verify (RFC 7591 §3.2.2)."""

    code = "invalid_software_statement"


class UnapprovedStatement(OAuthError):
    """The software statement is of an issuer that is not trusted here (RFC 7591 §3.2.2)."""

    code = "unapproved_software_statement"


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of itself. Members that are not known here are ignored (RFC 7591 §2)."""

    redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str | None = None
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    client_name: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    scope: str | None = None
    jwks_uri: str | None = None
    jwks: dict[str, Any] | None = None
    software_statement: str | None = None
    application_type: str | None = None
    sector_identifier_uri: str | None = None
    subject_type: str | None = None
    id_token_signed_response_alg: str | None = None
    userinfo_signed_response_alg: str | None = None
    authorization_signed_response_alg: str | None = None
    introspection_signed_response_alg: str | None = None
    request_object_signing_alg: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str | None = None
    request_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    backchannel_token_delivery_mode: str | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: str | None = None
    backchannel_user_code_parameter: bool = False
    authorization_details_types: tuple[str, ...] = ()
    # Answers are never encrypted here; a client that asks for it must not believe that they are.
    id_token_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    authorization_encrypted_response_alg: str | None = None
    introspection_encrypted_response_alg: str | None = None


def read_metadata(data: dict[str, Any]) -> Metadata:
    """The members, each of its own type. Raises `InvalidMetadata` naming the one that is not."""
    # `null` says the same as nothing (RFC 7591 §2).
    said = {name: value for name, value in data.items() if value is not None}
    try:
        return msgspec.convert(said, Metadata)
    except msgspec.ValidationError as error:
        raise InvalidMetadata(f"The metadata is not of the form it must have: {error}.") from error
