"""From what a client says of itself to a registration: never more than its policy allows, and nothing taken on trust.

A name is what the client chose; the host that is shown is one it can be reached at. Its registration then passes every
rule that an operator's own declaration passes.
"""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from grantline.model.errors import InvalidConfiguration
from grantline.parties.clients import AuthMethod, Client, Kind, Origin, Profile, SubjectType, Tier
from grantline.parties.metadata import InvalidMetadata, InvalidRedirectUris, Metadata
from grantline.parties.profile_rules import SECRETS, Redirect
from grantline.parties.redirects import check_redirect_uri, kind_of_redirect
from grantline.parties.registration import read_client
from grantline.parties.uri_fields import require_https

NOT_STATED = "Not stated"
OWN_MACHINE = frozenset({Redirect.LOOPBACK, Redirect.LOCALHOST, Redirect.PRIVATE_SCHEME})


class RegistrationPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that a client may register itself for. `bearer`: whether its tokens may go without a key.

    `narrows`: what is asked for beyond it is left out, where one document serves many servers; else it is refused.
    """

    scopes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code", "refresh_token")
    methods: tuple[AuthMethod, ...] = (AuthMethod.NONE, AuthMethod.PRIVATE_KEY_JWT)
    profile: Profile = Profile.OAUTH21
    kind: Kind = Kind.APP
    bearer: bool = True
    narrows: bool = False


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the client does not decide. `home`: an address that it was fetched from; `sector`: its fetched list's host.

    `secret_hashes`: of the secret that we gave it, if its method needs one.
    """

    id: str
    origin: Origin
    policy: RegistrationPolicy
    home: str | None = None
    sector: str | None = None
    secret_hashes: tuple[str, ...] = ()


def to_client(said: Metadata, frame: Frame) -> Client:
    """The registration. Raises `InvalidRedirectUris` or `InvalidMetadata`, in the words of RFC 7591."""
    _require_possible(said)
    method = _method(said, frame.policy)
    data = {
        **_identity(said, frame),
        **_rights(said, frame.policy),
        **_wishes(said),
        "auth": method,
        "jwks": () if said.jwks is None else said.jwks.get("keys", ()),
        "secret_hashes": frame.secret_hashes if method in SECRETS else (),
        "certificate": _certificate(said),
        "backchannel": _backchannel(said),
    }
    try:
        client = read_client({name: value for name, value in data.items() if value is not None})
        require_https(client, "$")
    except InvalidConfiguration as error:
        raise _told(error) from error
    return client


def _require_possible(said: Metadata) -> None:
    encrypted = [name for name in said.__struct_fields__ if "_encrypted_" in name and getattr(said, name) is not None]
    if encrypted:
        raise InvalidMetadata(f"{encrypted[0]}: answers are not encrypted here.")
    if set(said.response_types) - {"code"} or ("authorization_code" in said.grant_types and not said.response_types):
        raise InvalidMetadata("response_types: only code exists here.")
    if said.jwks is not None and not isinstance(said.jwks.get("keys"), list):
        raise InvalidMetadata("jwks: must be a JWK set.")
    if said.subject_type not in {None, SubjectType.PAIRWISE}:
        # One name for all would let strangers who registered themselves compare whom they know (I13).
        raise InvalidMetadata("subject_type: who registers itself is told pairwise subjects.")
    for index, uri in enumerate(said.redirect_uris):
        try:
            check_redirect_uri(uri, f"redirect_uris[{index}]")
        except InvalidConfiguration as error:
            raise InvalidRedirectUris(error.message) from error
    local = {kind for kind in map(kind_of_redirect, said.redirect_uris) if kind in OWN_MACHINE}
    if said.application_type not in {None, "web", "native"}:
        raise InvalidMetadata("application_type: is web or native.")
    if said.application_type == "web" and local:
        raise InvalidRedirectUris("redirect_uris: a web application is sent back to https addresses only.")


def _method(said: Metadata, policy: RegistrationPolicy) -> AuthMethod:
    """The method asked for. Without a word it is client_secret_basic (RFC 7591 §2), where the policy has that."""
    if said.token_endpoint_auth_method is None:
        basic = AuthMethod.CLIENT_SECRET_BASIC
        return basic if basic in policy.methods else AuthMethod.NONE
    try:
        method = AuthMethod(said.token_endpoint_auth_method)
    except ValueError:
        method = None
    if method not in policy.methods or method is None:
        known = ", ".join(sorted(policy.methods))
        raise InvalidMetadata(f"token_endpoint_auth_method: this client may register for {known}.")
    return method


def _identity(said: Metadata, frame: Frame) -> dict[str, Any]:
    web = _web(said, frame)
    native = any(kind_of_redirect(uri) in OWN_MACHINE for uri in said.redirect_uris)
    return {
        "id": frame.id,
        "name": said.client_name or urlsplit(web).hostname or web,
        "publisher": NOT_STATED,
        "web": web,
        "kind": frame.policy.kind,
        "tier": Tier.SELF_REGISTERED,
        "origin": frame.origin,
        "profile": frame.policy.profile,
        "redirect_uris": said.redirect_uris,
        "application_type": said.application_type or ("native" if native else "web"),
        "sector": _sector(said, frame),
        "subject_type": SubjectType.PAIRWISE,
    }


def _web(said: Metadata, frame: Frame) -> str:
    """The address that people are shown: where the document was found, else one that answers go to.

    What the client calls its home counts only if it is at one of those hosts: any client can name somebody else's.
    """
    reached = [uri for uri in (frame.home, *said.redirect_uris) if uri is not None and uri.startswith("https://")]
    hosts = [urlsplit(uri).netloc for uri in (reached[:1] if frame.home else reached)]
    if said.client_uri is not None and (urlsplit(said.client_uri).netloc in hosts or not said.redirect_uris):
        return said.client_uri
    if hosts:
        return f"https://{hosts[0]}"
    local = [uri for uri in said.redirect_uris if uri.startswith("http://")]
    if local:
        return f"http://{urlsplit(local[0]).netloc}"
    if said.client_uri is None:
        raise InvalidMetadata("client_uri: is needed where no redirect URI is an https address.")
    return said.client_uri


def _sector(said: Metadata, frame: Frame) -> str | None:
    """Who shares names of people with this client: nobody whom it merely points at (OIDC Core §8.1)."""
    if frame.home is not None:
        return urlsplit(frame.home).netloc
    if frame.sector is not None:
        return frame.sector
    hosts = {urlsplit(uri).hostname for uri in said.redirect_uris}
    if any(kind_of_redirect(uri) in OWN_MACHINE for uri in said.redirect_uris) or not hosts:
        return frame.id
    if len(hosts) > 1:
        raise InvalidMetadata("sector_identifier_uri: is needed where redirect URIs have several hosts.")
    return hosts.pop()


def _rights(said: Metadata, policy: RegistrationPolicy) -> dict[str, Any]:
    return {
        **_scopes(said, policy),
        "details": _within(said.authorization_details_types, {*policy.details}, policy, "authorization_details_types"),
        "grants": _within(said.grant_types, {*policy.grants}, policy, "grant_types"),
        "dpop_bound": said.dpop_bound_access_tokens
        or not (policy.bearer or said.tls_client_certificate_bound_access_tokens),
        "certificate_bound": said.tls_client_certificate_bound_access_tokens,
    }


def _scopes(said: Metadata, policy: RegistrationPolicy) -> dict[str, tuple[str, ...]]:
    """What was asked for, or all that the policy names where nothing was.

    An agent registers with the scope of the first refusal it met and asks for more with the same id when a later one
    says so (MCP, step-up): it has all that its token's policy names, and without a word gets what it asked for first.
    """
    wanted = policy.scopes if said.scope is None else tuple(dict.fromkeys(said.scope.split()))
    asked = _within(wanted, {*policy.scopes, "openid", "offline_access"}, policy, "scope")
    if policy.profile is not Profile.MCP or policy.narrows or said.scope is None:
        return {"scopes": asked}
    return {"scopes": tuple(dict.fromkeys((*asked, *policy.scopes))), "default_scopes": asked}


def _within(wanted: tuple[str, ...], allowed: set[str], policy: RegistrationPolicy, name: str) -> tuple[str, ...]:
    beyond = [one for one in wanted if one not in allowed]
    if beyond and not policy.narrows:
        raise InvalidMetadata(f"{name}: this client may not register for {_shown(beyond[0])}.")
    return tuple(one for one in dict.fromkeys(wanted) if one in allowed)


def _wishes(said: Metadata) -> dict[str, Any]:
    return {
        "jwks_uri": said.jwks_uri,
        "logo_uri": said.logo_uri,
        "policy_uri": said.policy_uri,
        "terms_uri": said.tos_uri,
        "initiate_login_uri": said.initiate_login_uri,
        "request_uris": said.request_uris,
        "default_max_age": said.default_max_age,
        "default_acr": said.default_acr_values,
        "require_par": said.require_pushed_authorization_requests,
        "require_request_object": said.require_signed_request_object,
        "algorithms": {
            "id_token": said.id_token_signed_response_alg,
            "userinfo": said.userinfo_signed_response_alg,
            "authorization": said.authorization_signed_response_alg,
            "introspection": said.introspection_signed_response_alg,
            "request_object": said.request_object_signing_alg,
            "client_assertion": said.token_endpoint_auth_signing_alg,
            "backchannel_request": said.backchannel_authentication_request_signing_alg,
        },
        "logout": {
            "redirect_uris": said.post_logout_redirect_uris,
            "backchannel_uri": said.backchannel_logout_uri,
            "backchannel_session": said.backchannel_logout_session_required,
            "frontchannel_uri": said.frontchannel_logout_uri,
            "frontchannel_session": said.frontchannel_logout_session_required,
        },
    }


def _backchannel(said: Metadata) -> dict[str, Any] | None:
    """Without a word there is no way of hearing from us (CIBA §4: the mode is required)."""
    if said.backchannel_token_delivery_mode is None:
        return None
    return {
        "delivery": said.backchannel_token_delivery_mode,
        "endpoint": said.backchannel_client_notification_endpoint,
        "user_code": said.backchannel_user_code_parameter,
    }


def _certificate(said: Metadata) -> dict[str, str] | None:
    names = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
    given = {name: getattr(said, f"tls_client_auth_{name}") for name in names}
    return {name: value for name, value in given.items() if value is not None} or None


_THEIR_WORDS = {
    "name": "client_name",
    "publisher": "client_name",
    "web": "client_uri",
    "auth": "token_endpoint_auth_method",
    "secret_hashes": "token_endpoint_auth_method",
    "grants": "grant_types",
    "scopes": "scope",
    "terms_uri": "tos_uri",
    "details": "authorization_details_types",
    "backchannel.delivery": "backchannel_token_delivery_mode",
    "backchannel.endpoint": "backchannel_client_notification_endpoint",
    "backchannel.user_code": "backchannel_user_code_parameter",
    "logout.redirect_uris": "post_logout_redirect_uris",
    "logout.backchannel_uri": "backchannel_logout_uri",
    "logout.frontchannel_uri": "frontchannel_logout_uri",
}


def _told(error: InvalidConfiguration) -> InvalidMetadata | InvalidRedirectUris:
    """The same fault in the client's own words."""
    place, _, sentence = error.message.removeprefix("$.").partition(": ")
    member = re.match(r"[a-z_.]*", place)
    name = member.group() if member else ""
    message = f"{_THEIR_WORDS.get(name, name)}{place.removeprefix(name)}: {sentence}"
    kind = InvalidRedirectUris if name == "redirect_uris" else InvalidMetadata
    return kind(message)


def _shown(text: str) -> str:
    """A name that is safe to say back."""
    return "".join(letter for letter in text[:80] if letter.isascii() and (letter.isalnum() or letter in "_-.:/"))
