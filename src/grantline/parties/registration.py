"""Reads registrations strictly: what is wrong is named by its path. The rules stand in one table below."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from grantline.crypto.certificates import (
    canonical_ip,
    is_spiffe_id,
    read_distinguished_name,
    registered_certificate,
)
from grantline.crypto.proof_keys import read_proof_key
from grantline.model.errors import InvalidConfiguration
from grantline.parties.clients import AuthMethod, Backchannel, Certificate, Client, Delivery, Kind, Origin
from grantline.parties.exemptions import is_exempt_by_right
from grantline.parties.profile_rules import SECRETS, rules_of
from grantline.parties.redirects import check_redirect_uri, kind_of_redirect
from grantline.parties.uri_fields import check_uris

GRANT_TYPES = frozenset(
    {
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    }
)
"""Every grant type that a client may be registered for. Implicit, hybrid and password do not exist here."""

_BACKCHANNEL = "urn:openid:params:grant-type:ciba"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_WITH_KEYS = frozenset({AuthMethod.PRIVATE_KEY_JWT, AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PROVEN_ONLY = GRANT_TYPES - {
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
}


def read_client(data: Any, path: str = "$") -> Client:
    """A registration from plain data; raises `InvalidConfiguration` whose message names the path that is wrong."""
    try:
        client = msgspec.convert(data, Client)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(_placed(str(error), path)) from error
    check_uris(client, path)
    for index, uri in enumerate(client.redirect_uris):
        check_redirect_uri(uri, f"{path}.redirect_uris[{index}]")
    for rule, place, sentence in _RULES:
        if not rule(client):
            raise InvalidConfiguration(f"{path}.{place}: {sentence}")
    for index, jwk in enumerate(client.jwks):
        _check_key(client, jwk, f"{path}.jwks[{index}]")
    return client


_ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}


def _check_key(client: Client, jwk: dict[str, Any], path: str) -> None:
    algorithm = _ALGORITHMS.get(str(jwk.get("kty")), "")
    try:
        read_proof_key(algorithm, jwk)
        registered_certificate(jwk)
    except ValueError as error:
        raise InvalidConfiguration(f"{path}: {error}.") from error
    older = algorithm == "PS256" and jwk.get("alg") == "RS256" and "RS256" in rules_of(client.profile).algorithms
    if jwk.get("alg", algorithm) != algorithm and not older:
        raise InvalidConfiguration(f"{path}.alg: must be {algorithm} for a key of this kind.")


def _is_plain(text: str) -> bool:
    """True without letters that cannot be seen or that turn the writing direction: names are shown to people."""
    return all(unicodedata.category(letter) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} for letter in text)


_RULES: tuple[tuple[Callable[[Client], bool], str, str], ...] = (
    (
        # No id can stand for two registrations that came in different ways (check 138).
        lambda client: client.id.startswith("https://") == (client.origin is Origin.DOCUMENT),
        "id",
        "is an address exactly for clients that have a metadata document there.",
    ),
    (
        lambda client: _is_plain(client.name) and _is_plain(client.publisher),
        "name",
        "name and publisher must not hold control characters or signs that change the writing direction.",
    ),
    (
        lambda client: "authorization_code" not in client.grants or bool(client.redirect_uris),
        "redirect_uris",
        "a client with the authorization code grant needs at least one.",
    ),
    (
        lambda client: len(client.redirect_uris) <= 20 and len(set(client.redirect_uris)) == len(client.redirect_uris),
        "redirect_uris",
        "name each once, at most 20.",
    ),
    (
        lambda client: client.auth not in _WITH_KEYS or bool(client.jwks) != bool(client.jwks_uri),
        "jwks",
        "this method of authentication needs public keys, in jwks or at jwks_uri, not both.",
    ),
    (
        lambda client: not any("d" in key or "k" in key for key in client.jwks),
        "jwks",
        "only public keys belong here; replace this key, it is no longer private.",
    ),
    (
        lambda client: client.auth in SECRETS or not client.secret_hashes,
        "secret_hashes",
        "only client_secret_basic and client_secret_post take any.",
    ),
    (
        lambda client: all(_SHA256.fullmatch(one) for one in client.secret_hashes) and len(client.secret_hashes) <= 2,
        "secret_hashes",
        "each is the SHA-256 of a secret as 64 lower-case hex digits; at most two, for changing them.",
    ),
    (
        lambda client: (client.auth is AuthMethod.TLS_CLIENT_AUTH) == (client.certificate is not None),
        "certificate",
        "tls_client_auth needs the name that the certificate carries, and no other method takes one.",
    ),
    (
        lambda client: client.certificate is None or _names_one(client.certificate),
        "certificate",
        "name exactly one of subject_dn, san_dns, san_uri, san_ip, san_email.",
    ),
    (
        lambda client: client.certificate is None or _can_be_carried(client.certificate),
        "certificate",
        "subject_dn is written as in RFC 4514 (CN=app,O=Example), san_ip is an address, san_dns holds no wildcard.",
    ),
    (
        lambda client: (client.auth is AuthMethod.SPIFFE_X509) == (client.spiffe_id is not None),
        "spiffe_id",
        "spiffe_x509 needs it, and no other method takes it.",
    ),
    (
        lambda client: client.spiffe_id is None or is_spiffe_id(client.spiffe_id),
        "spiffe_id",
        "must be a workload's, such as spiffe://example.org/app.",
    ),
    (
        lambda client: set(client.grants) <= GRANT_TYPES,
        "grants",
        f"known here are {', '.join(sorted(GRANT_TYPES))}.",
    ),
    (
        lambda client: client.confidential or not _PROVEN_ONLY & set(client.grants),
        "grants",
        "client_credentials, token exchange, back-channel and JWT bearer grants need a client that proves itself.",
    ),
    (
        lambda client: client.auth in rules_of(client.profile).methods,
        "profile",
        "fapi2 needs private_key_jwt or a client certificate.",
    ),
    (
        lambda client: client.sender_constrained or not rules_of(client.profile).sender_constrained,
        "profile",
        "fapi2 needs dpop_bound or certificate_bound = true.",
    ),
    (
        lambda client: client.require_pkce or (rules_of(client.profile).nonce_for_pkce and client.confidential),
        "require_pkce",
        "only a confidential client of profile oidc may leave PKCE out; its requests then carry a nonce.",
    ),
    (
        lambda client: {kind_of_redirect(uri) for uri in client.redirect_uris} <= rules_of(client.profile).redirects,
        "redirect_uris",
        "one of them is of a kind that this profile does not allow.",
    ),
    (
        lambda client: _named_algorithms(client) <= set(rules_of(client.profile).algorithms),
        "algorithms",
        "this profile allows ES256, PS256 and EdDSA, and RS256 only as profile oidc.",
    ),
    (
        is_exempt_by_right,
        "origin",
        "what loosens the profile here may not be set by a registration that came in this way.",
    ),
    (
        lambda client: not _signs_requests(client) or bool(client.jwks) != bool(client.jwks_uri),
        "jwks",
        "a client that signs its requests needs public keys, in jwks or at jwks_uri, not both.",
    ),
    (
        lambda client: len(client.request_uris) <= 20 and len(set(client.request_uris)) == len(client.request_uris),
        "request_uris",
        "name each once, at most 20.",
    ),
    (
        lambda client: all(_is_fetchable(uri) for uri in client.request_uris),
        "request_uris",
        "each must be an https address of at most 512 characters, without user name.",
    ),
    (
        lambda client: (_EXCHANGE in client.grants) == (client.exchange is not None),
        "exchange",
        "the token exchange grant needs it, to say whose tokens, and no other grant takes it.",
    ),
    (
        lambda client: client.backchannel is None or _BACKCHANNEL in client.grants,
        "backchannel",
        "is for clients with the back-channel grant.",
    ),
    (
        lambda client: client.backchannel is None or _is_tellable(client.backchannel),
        "backchannel.endpoint",
        "a ping goes to an https address, which no other way of delivery takes.",
    ),
    (
        lambda client: client.backchannel is None or not client.backchannel.user_code,
        "backchannel.user_code",
        "people have no code for apps here.",
    ),
    (
        lambda client: not client.audience or (client.kind is Kind.SERVICE and client.confidential),
        "audience",
        "only a service that proves itself may stand for a resource.",
    ),
    (
        lambda client: set(client.default_scopes) <= {*client.scopes, "openid"},
        "default_scopes",
        "must be among scopes.",
    ),
)


def _named_algorithms(client: Client) -> set[str]:
    return {name for name in msgspec.structs.astuple(client.algorithms) if name is not None}


def _signs_requests(client: Client) -> bool:
    return client.require_request_object or rules_of(client.profile).require_request_object or bool(client.request_uris)


def _is_fetchable(uri: str) -> bool:
    """An address that may be asked for; a fragment is allowed, as a mark of its content (OIDC Core §6.2)."""
    parts = urlsplit(uri)
    return len(uri) <= 512 and uri.startswith("https://") and "@" not in parts.netloc and uri.isascii()


def _is_tellable(backchannel: Backchannel) -> bool:
    """A ping needs an address to go to (CIBA §4); elsewhere one would promise what is never done."""
    if backchannel.delivery is Delivery.POLL:
        return backchannel.endpoint is None
    return backchannel.endpoint is not None and backchannel.endpoint.startswith("https://")


def _names_one(certificate: Certificate) -> bool:
    return sum(value is not None for value in msgspec.structs.astuple(certificate)) == 1


def _can_be_carried(certificate: Certificate) -> bool:
    """True if a certificate could carry this name: a typing mistake would lock the client out without a word."""
    try:
        if certificate.subject_dn is not None:
            read_distinguished_name(certificate.subject_dn)
        if certificate.san_ip is not None:
            canonical_ip(certificate.san_ip)
    except ValueError:
        return False
    return "*" not in (certificate.san_dns or "") and "" not in msgspec.structs.astuple(certificate)


def _placed(message: str, path: str) -> str:
    """Put our place in front of what msgspec says, which counts from `$`."""
    sentence, _, place = message.partition(" - at `")
    return f"{path}{place.rstrip('`').removeprefix('$')}: {sentence}"
