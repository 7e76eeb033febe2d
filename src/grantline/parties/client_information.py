"""A registration in the words of RFC 7591 and its relatives: what a client is told it is (§3.2.1)."""

from typing import Any

from grantline.parties.clients import Client


def information(client: Client) -> dict[str, Any]:
    """Every member that has a value, as it stands here, which may be less than what was asked for."""
    parts = (_identity, _way, _limits, _algorithms, _logout, _backchannel)
    members = {name: value for part in parts for name, value in part(client).items()}
    return {name: value for name, value in members.items() if value is not None and value not in ((), [])}


def _identity(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "client_name": client.name,
        "client_uri": client.web,
        "logo_uri": client.logo_uri,
        "policy_uri": client.policy_uri,
        "tos_uri": client.terms_uri,
        "application_type": client.application_type.value,
        "subject_type": client.subject_type.value,
    }


def _way(client: Client) -> dict[str, Any]:
    """How it proves itself, and where its answers go."""
    certificate = client.certificate
    named = {} if certificate is None else {name: getattr(certificate, name) for name in certificate.__struct_fields__}
    return {
        "token_endpoint_auth_method": client.auth.value,
        "jwks": {"keys": list(client.jwks)} if client.jwks else None,
        "jwks_uri": client.jwks_uri,
        "redirect_uris": list(client.redirect_uris),
        "response_types": ["code"] if "authorization_code" in client.grants else [],
        "request_uris": list(client.request_uris),
        "initiate_login_uri": client.initiate_login_uri,
        **{f"tls_client_auth_{name}": value for name, value in named.items()},
    }


def _limits(client: Client) -> dict[str, Any]:
    return {
        "grant_types": list(client.grants),
        "scope": " ".join(client.scopes) or None,
        "authorization_details_types": list(client.details),
        "dpop_bound_access_tokens": client.dpop_bound,
        "tls_client_certificate_bound_access_tokens": client.certificate_bound or None,
        "require_pushed_authorization_requests": client.require_par or None,
        "require_signed_request_object": client.require_request_object or None,
        "default_max_age": client.default_max_age,
        "default_acr_values": list(client.default_acr),
    }


def _algorithms(client: Client) -> dict[str, Any]:
    named = client.algorithms
    return {
        "id_token_signed_response_alg": named.id_token,
        "userinfo_signed_response_alg": named.userinfo,
        "authorization_signed_response_alg": named.authorization,
        "introspection_signed_response_alg": named.introspection,
        "request_object_signing_alg": named.request_object,
        "token_endpoint_auth_signing_alg": named.client_assertion,
        "backchannel_authentication_request_signing_alg": named.backchannel_request,
    }


def _backchannel(client: Client) -> dict[str, Any]:
    """How it hears of answers; nothing for clients that ask nobody elsewhere."""
    told = client.backchannel
    if told is None:
        return {}
    return {
        "backchannel_token_delivery_mode": told.delivery.value,
        "backchannel_client_notification_endpoint": told.endpoint,
        "backchannel_user_code_parameter": told.user_code,
    }


def _logout(client: Client) -> dict[str, Any]:
    logout = client.logout
    return {
        "post_logout_redirect_uris": list(logout.redirect_uris),
        "backchannel_logout_uri": logout.backchannel_uri,
        "backchannel_logout_session_required": logout.backchannel_session or None,
        "frontchannel_logout_uri": logout.frontchannel_uri,
        "frontchannel_logout_session_required": logout.frontchannel_session or None,
    }
