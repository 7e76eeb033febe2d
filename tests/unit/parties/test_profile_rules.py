"""A profile tightens; what loosens stands in one table."""

from typing import Any

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration
from grantline.parties import (
    EXEMPTIONS,
    PROFILES,
    AuthMethod,
    Client,
    Origin,
    Profile,
    Redirect,
    read_client,
    rules_of,
    warnings,
)

KEY = SigningKey.generate().public.jwk
SHA256 = "ab" * 32
STRICT: dict[str, Any] = {
    "id": "a", "name": "A", "publisher": "P", "web": "https://a.example", "redirect_uris": ["https://a.example/cb"],
    "auth": "private_key_jwt", "jwks": [KEY],
}  # fmt: skip
ADDRESSES = {
    Redirect.HTTPS: "https://a.example/cb",
    Redirect.LOOPBACK: "http://127.0.0.1/cb",
    Redirect.LOCALHOST: "http://localhost:3000/cb",
    Redirect.PRIVATE_SCHEME: "com.example.app:/cb",
}
PROOFS: dict[AuthMethod, dict[str, Any]] = {
    AuthMethod.NONE: {"jwks": []},
    AuthMethod.CLIENT_SECRET_BASIC: {"jwks": [], "secret_hashes": [SHA256]},
    AuthMethod.CLIENT_SECRET_POST: {"jwks": [], "secret_hashes": [SHA256]},
    AuthMethod.PRIVATE_KEY_JWT: {},
    AuthMethod.TLS_CLIENT_AUTH: {"certificate": {"san_dns": "a.example"}},
    AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH: {},
    AuthMethod.SPIFFE_X509: {"spiffe_id": "spiffe://a.example/app"},
}


def read(profile: Profile, **change: Any) -> Client | None:
    """The client, or None if its registration is refused."""
    try:
        return read_client({**STRICT, "profile": profile.value, **change})
    except InvalidConfiguration:
        return None


@pytest.mark.parametrize("profile", Profile)
def test_the_strictest_client_fits_every_profile_without_a_warning(profile: Profile) -> None:
    """Covers: line 10 of profiles; a profile tightens."""
    client = read(profile)
    assert client is not None
    assert warnings(client) == ()


@pytest.mark.parametrize("profile", Profile)
def test_no_profile_is_looser_than_oauth21_but_by_an_exemption(profile: Profile) -> None:
    """Covers: a profile is data that tightens; loosening stands in one table."""
    base, rules = rules_of(Profile.OAUTH21), rules_of(profile)
    exempt = {exemption.name for exemption in EXEMPTIONS if profile in exemption.profiles}
    assert rules.methods <= base.methods
    assert rules.redirects <= base.redirects
    assert set(rules.response_modes) <= set(base.response_modes)
    assert set(rules.algorithms) - set(base.algorithms) <= ({"RS256"} if "RS256" in exempt else set())
    assert not rules.nonce_for_pkce or "PKCE left out" in exempt
    for name in ("sender_constrained", "require_par", "require_request_object", "bounded_request_objects"):
        assert getattr(rules, name) >= getattr(base, name), name


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("method", AuthMethod)
def test_a_client_proves_itself_in_a_way_of_its_profile(profile: Profile, method: AuthMethod) -> None:
    """Covers: check 72, 77."""
    signs = rules_of(profile).require_request_object
    proof = {**PROOFS[method], **({"jwks": [KEY]} if signs else {})}
    client = read(profile, auth=method.value, **proof)
    assert (client is not None) is (method in rules_of(profile).methods)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("kind", Redirect)
def test_answers_go_where_the_profile_lets_them(profile: Profile, kind: Redirect) -> None:
    """Covers: check 1, 47, 129."""
    client = read(profile, redirect_uris=[ADDRESSES[kind]])
    assert (client is not None) is (kind in rules_of(profile).redirects)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "RS256", "HS256", "none"])
def test_signatures_are_made_with_what_the_profile_allows(profile: Profile, algorithm: str) -> None:
    """Covers: check 77, 115."""
    client = read(profile, algorithms={"request_object": algorithm})
    assert (client is not None) is (algorithm in rules_of(profile).algorithms)


def test_only_what_fapi_forbids_everywhere_is_missing_there() -> None:
    """Covers: check 77; RS256, none and HS* refused for FAPI."""
    for profile in (Profile.FAPI2, Profile.FAPI2_MESSAGE_SIGNING):
        rules = PROFILES[profile]
        assert "RS256" not in rules.algorithms
        assert rules.sender_constrained
        assert rules.require_par
        assert not rules.rotates_refresh
        assert read(profile, dpop_bound=False) is None
    assert read(Profile.FAPI2_MESSAGE_SIGNING, auth="tls_client_auth", certificate={"san_dns": "a"}, jwks=[]) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"require_pkce": False}, "PKCE left out"),
        ({"auth": "client_secret_basic", "jwks": [], "secret_hashes": [SHA256]}, "a shared secret"),
        ({"auth": "client_secret_post", "jwks": [], "secret_hashes": [SHA256]}, "a shared secret"),
        ({"algorithms": {"id_token": "RS256"}}, "RS256"),
    ],
)
@pytest.mark.parametrize("profile", Profile)
def test_what_loosens_is_allowed_where_the_table_says_and_always_said(
    profile: Profile, change: dict[str, Any], named: str
) -> None:
    """Covers: the table of exemptions; who may set it, and the warning shown."""
    (exemption,) = (one for one in EXEMPTIONS if one.name == named)
    for origin in Origin:
        client = read(profile, origin=origin.value, **change)
        assert (client is not None) is (profile in exemption.profiles and origin in exemption.origins)
        if client is not None:
            assert warnings(client) == (exemption.warning,)


@pytest.mark.parametrize(
    "uri", ["http://a.example/r", "https://u@a.example/r", "https://a.example/" + "x" * 500, "file:///etc/passwd"]
)
def test_requests_are_fetched_from_plain_https_addresses_only(uri: str) -> None:
    """Covers: check 22, 128."""
    assert read(Profile.OAUTH21, request_uris=["https://a.example/r#hash"]) is not None
    assert read(Profile.OAUTH21, request_uris=[uri]) is None
