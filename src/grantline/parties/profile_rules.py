"""What each profile demands of its clients. Data: to tighten a profile, change its row; code only looks things up.

The same for all of them, and therefore in no row: only `code`, S256, exact redirect URIs, `iss` in every answer, codes
of at most 60 seconds, and client assertions whose `aud` is our issuer as one string.
"""

from dataclasses import dataclass, replace
from enum import Enum

from grantline.parties.clients import AuthMethod, Profile

SECRETS = frozenset({AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST})
PROVEN_BY_KEY = frozenset(
    {
        AuthMethod.PRIVATE_KEY_JWT,
        AuthMethod.TLS_CLIENT_AUTH,
        AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
        AuthMethod.SPIFFE_X509,
    }
)
PLAIN_MODES = ("query", "form_post")
SIGNED_MODES = ("jwt", "query.jwt", "form_post.jwt")
"""JARM (§2.3); `jwt` is the signed form of a code's usual way, the query. Modes with a fragment do not exist here."""

SIGNED_WITH = ("ES256", "PS256", "EdDSA")


class Redirect(Enum):
    """To which kind of address an answer goes."""

    HTTPS = "https"
    LOOPBACK = "loopback"
    """An IP literal (RFC 8252 §7.3)."""
    LOCALHOST = "localhost"
    """By name, which may mean another host."""
    PRIVATE_SCHEME = "private scheme"
    """RFC 8252 §7.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRules:
    """One row. A client may be registered more tightly; more loosely only as `exemptions` say.

    `methods`: ways to prove itself. `algorithms`: of all signatures by and for it. `redirects`: where its answers may
    go. `response_modes`: ways in which they may. `bounded_request_objects`: they say when they begin and end, at most
    an hour apart (FAPI 2.0 Message Signing §5.3.1). `nonce_for_pkce`: a confidential client may be registered to send
    a nonce instead of a challenge (RFC 9700 §2.1.1).
    """

    methods: frozenset[AuthMethod]
    algorithms: tuple[str, ...]
    redirects: frozenset[Redirect]
    response_modes: tuple[str, ...]
    sender_constrained: bool
    require_par: bool
    require_request_object: bool
    bounded_request_objects: bool
    rotates_refresh: bool
    nonce_for_pkce: bool


_OAUTH21 = ProfileRules(
    methods=frozenset(AuthMethod),
    algorithms=SIGNED_WITH,
    redirects=frozenset(Redirect),
    response_modes=PLAIN_MODES + SIGNED_MODES,
    sender_constrained=False,
    require_par=False,
    require_request_object=False,
    bounded_request_objects=False,
    rotates_refresh=True,
    nonce_for_pkce=False,
)

_FAPI2 = replace(
    _OAUTH21,
    methods=PROVEN_BY_KEY,
    redirects=frozenset({Redirect.HTTPS, Redirect.LOOPBACK}),
    sender_constrained=True,
    require_par=True,
    # Rotation adds nothing to tokens bound to a key, and a lost answer loses the client (FAPI 2.0 §5.3.2.1).
    rotates_refresh=False,
)

PROFILES: dict[Profile, ProfileRules] = {
    Profile.OAUTH21: _OAUTH21,
    Profile.FAPI2: _FAPI2,
    Profile.FAPI2_MESSAGE_SIGNING: replace(
        _FAPI2, require_request_object=True, bounded_request_objects=True, response_modes=SIGNED_MODES
    ),
    Profile.OIDC: replace(_OAUTH21, algorithms=(*SIGNED_WITH, "RS256"), nonce_for_pkce=True),
    # "Redirect URIs are https or localhost only" (MCP 2026-07-28, authorization).
    Profile.MCP: replace(_OAUTH21, redirects=frozenset(Redirect) - {Redirect.PRIVATE_SCHEME}),
}


def rules_of(profile: Profile) -> ProfileRules:
    """The row of a profile."""
    return PROFILES[profile]
