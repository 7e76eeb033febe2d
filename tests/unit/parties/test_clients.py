"""Registrations are read strictly, and a mistake is named by its path."""

from typing import Any

import msgspec
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import PersonId
from grantline.parties import Client, Pairwise, Profile, metadata_hash, read_client

GOOD: dict[str, Any] = {
    "id": "budget",
    "name": "Budget",
    "publisher": "Budget Ltd",
    "web": "https://app.example",
    "redirect_uris": ["https://app.example/cb"],
    "scopes": ["bank.transactions"],
}
KEY = SigningKey.generate().public.jwk
SHA256 = "ab" * 32


def test_a_plain_registration_is_read() -> None:
    """Covers: line 8."""
    client = read_client(GOOD)
    assert client == Client(**{**GOOD, "redirect_uris": ("https://app.example/cb",), "scopes": ("bank.transactions",)})
    assert not client.confidential
    assert client.sector_host == "app.example"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"redirect_uri": ["https://a.example"]}, "redirect_uri"),
        ({"name": 7}, r"clients\[2\]\.name: "),
        ({"redirect_uris": ["https://a.example/cb#x"]}, r"clients\[2\]\.redirect_uris\[0\]: "),
        ({"redirect_uris": []}, r"clients\[2\]\.redirect_uris: "),
        ({"redirect_uris": ["https://a.example/"] * 2}, r"clients\[2\]\.redirect_uris: "),
        ({"web": "javascript:alert(1)"}, r"clients\[2\]\.web: "),
        ({"id": "../etc"}, r"clients\[2\]\.id: "),
        ({"auth": "client_secret_jwt"}, r"clients\[2\]\.auth: "),
        ({"auth": "client_secret_basic", "secret_hashes": ["plain"]}, r"clients\[2\]\.secret_hashes: each"),
        ({"secret_hashes": [SHA256]}, r"clients\[2\]\.secret_hashes: "),
        ({"auth": "tls_client_auth"}, r"clients\[2\]\.certificate: "),
        ({"auth": "tls_client_auth", "certificate": {}}, r"clients\[2\]\.certificate: name exactly one"),
        ({"certificate": {"san_dns": "a.example"}}, r"clients\[2\]\.certificate: "),
        ({"auth": "spiffe_x509"}, r"clients\[2\]\.spiffe_id: "),
        ({"require_pkce": False}, r"clients\[2\]\.require_pkce: "),
        ({"require_pkce": False, "profile": "oidc"}, r"clients\[2\]\.require_pkce: "),
        ({"grants": ["client_credentials"]}, r"clients\[2\]\.grants: "),
        ({"default_scopes": ["everything"]}, r"clients\[2\]\.default_scopes: "),
        (
            {"auth": "client_secret_basic", "secret_hashes": [SHA256], "profile": "fapi2"},
            r"clients\[2\]\.profile: fapi2 needs private_key_jwt",
        ),
        (
            {"auth": "private_key_jwt", "jwks": [KEY], "profile": "fapi2", "dpop_bound": False},
            r"clients\[2\]\.profile: fapi2 needs dpop_bound",
        ),
        ({"auth": "private_key_jwt"}, r"clients\[2\]\.jwks: "),
        (
            {"auth": "private_key_jwt", "jwks": [KEY], "jwks_uri": "https://app.example/jwks"},
            r"clients\[2\]\.jwks: ",
        ),
        ({"auth": "private_key_jwt", "jwks": [{**KEY, "d": "AA"}]}, r"clients\[2\]\.jwks: only public"),
        ({"auth": "private_key_jwt", "jwks": [{**KEY, "crv": "P-999"}]}, r"clients\[2\]\.jwks\[0\]: "),
        ({"name": "Bank\u202etegduB"}, r"clients\[2\]\.name: "),
        ({"publisher": "Budget\u200b Ltd"}, r"clients\[2\]\.name: "),
        ({"name": "Bud\nget"}, r"clients\[2\]\.name: "),
        ({"grants": ["password"]}, r"clients\[2\]\.grants: "),
        ({"profile": "fapi2"}, r"clients\[2\]\.profile: "),
        ({"audience": ["https://bank.example/api"]}, r"clients\[2\]\.audience: "),
    ],
)
def test_a_mistake_is_named_by_its_path(change: dict[str, Any], message: str) -> None:
    """Covers: line 8; check 44, 91, 128, 129."""
    with pytest.raises(InvalidConfiguration, match=message):
        read_client({**GOOD, **change}, "$.clients[2]")


CIBA = "urn:openid:params:grant-type:ciba"
PROVEN = {**GOOD, "auth": "private_key_jwt", "jwks": [KEY], "grants": [CIBA]}
TOLD = "https://app.example/told"


@pytest.mark.parametrize("told", [None, {}, {"delivery": "ping", "endpoint": TOLD}])
def test_a_client_hears_of_answers_by_poll_or_ping(told: dict[str, Any] | None) -> None:
    """CIBA §4; without a word it is poll."""
    assert read_client({**PROVEN, "backchannel": told}).grants == (CIBA,)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"delivery": "push", "endpoint": TOLD}, r"backchannel\.delivery"),
        ({"delivery": "ping"}, r"backchannel\.endpoint"),
        ({"delivery": "ping", "endpoint": "http://app.example/told"}, r"backchannel\.endpoint"),
        ({"delivery": "poll", "endpoint": TOLD}, r"backchannel\.endpoint"),
        ({"user_code": True}, r"backchannel\.user_code"),
    ],
)
def test_there_is_no_push_and_a_ping_goes_to_an_https_address(told: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfiguration, match=message):
        read_client({**PROVEN, "backchannel": told})


def test_only_clients_that_prove_themselves_ask_by_the_back_channel() -> None:
    with pytest.raises(InvalidConfiguration, match=r"\$\.grants"):
        read_client({**GOOD, "grants": [CIBA]})
    with pytest.raises(InvalidConfiguration, match=r"\$\.backchannel: is for clients"):
        read_client({**GOOD, "backchannel": {}})


def test_registrations_of_the_first_release_keep_their_form_and_their_hash() -> None:
    """Consents hold this hash: a release that changed it would have everybody asked again. Covers: line 8."""
    old = {"id": "a", "name": "A", "publisher": "P", "web": "https://a.example", "profile": "oauth"}
    client = read_client({**old, "redirect_uris": ["https://a.example/cb"]})
    assert client.profile is Profile.OAUTH21
    assert metadata_hash(client) == "d6a5e93ba894832538e1cfd73a9531b89883ed2a77e009f11cf8563b1e73a785"
    assert metadata_hash(msgspec.structs.replace(client, require_par=True)) != metadata_hash(client)


def test_subjects_are_stable_in_a_sector_and_differ_between_sectors() -> None:
    """Covers: check 122."""
    names = Pairwise(b"k" * 32)
    one = names.subject("app.example", PersonId("p_1"))
    assert one == names.subject("app.example", PersonId("p_1"))
    assert one != names.subject("other.example", PersonId("p_1"))
    assert one != names.subject("app.example", PersonId("p_2"))
    assert "p_1" not in one
