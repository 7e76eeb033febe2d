"""Which addresses a code may be sent to."""

import pytest

from grantline.model.errors import InvalidConfiguration
from grantline.parties.redirects import check_redirect_uri, find_redirect_uri

GOOD = (
    "https://app.example/callback",
    "https://app.example/callback?tenant=a",
    "https://app.example:8443/cb",
    "http://127.0.0.1/cb",
    "http://127.0.0.1:8000/cb",
    "http://[::1]/cb",
    "http://localhost:8000/cb",
    "com.example.app:/back",
)

BAD = (
    "https://app.example@evil.example/cb",
    "https://user:secret@app.example/cb",
    "https://app.example/a/../cb",
    "https://app.example/a/..;/cb",
    "https://app.example/%2e%2e/cb",
    "https://app.example/%2E%2E/cb",
    "https://app.example/a%2fb",
    "https://app.example\\@evil.example/cb",
    "https://app.example/cb\r\nset-cookie: a=b",
    "https://app.example/cb\0",
    "https://app.example/cb#fragment",
    "https://*.app.example/cb",
    "https://app.example/*",
    "https://APP.example/cb",
    "HTTPS://app.example/cb",
    "http://localhost:80@evil.example/cb",
    "http://app.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.1/cb",
    "https://app.example:/cb",
    "https://app.example:0/cb",
    "https://app.example:99999/cb",
    "https://app.example/cb?code=1",
    "https://app.example/cb?STATE=1",
    "https://app.example/cb?iss=a",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,hi",
    "file:///etc/passwd",
    "/callback",
    "app:/back",
    "",
    "https://" + "a" * 2_000 + ".example/",
)


@pytest.mark.parametrize("uri", GOOD)
def test_plain_addresses_may_be_registered(uri: str) -> None:
    """Covers: check 1, 2."""
    check_redirect_uri(uri, "$")


@pytest.mark.parametrize("uri", BAD)
def test_crooked_addresses_are_refused_with_their_path(uri: str) -> None:
    """Covers: check 4, 5, 128, 129."""
    with pytest.raises(InvalidConfiguration, match=r"^\$\.redirect_uris\[0\]: "):
        check_redirect_uri(uri, "$.redirect_uris[0]")


@pytest.mark.parametrize(
    "requested",
    [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/Callback",
        "https://app.example:443/callback",
        "https://app.example/callback/../callback",
    ],
)
def test_a_requested_address_must_be_a_registered_one_letter_by_letter(requested: str) -> None:
    """Covers: check 1."""
    registered = ("https://app.example/callback",)
    assert find_redirect_uri(registered, "https://app.example/callback")
    assert not find_redirect_uri(registered, requested)


@pytest.mark.parametrize(
    ("registered", "requested", "same"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1:51004/cb", True),
        ("http://[::1]/cb", "http://[::1]:9/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb", False),
        ("http://localhost/cb", "http://localhost:51004/cb", False),
        ("https://app.example/cb", "https://app.example:444/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#x", False),
    ],
)
def test_only_the_port_of_a_loopback_ip_may_differ(registered: str, requested: str, same: bool) -> None:
    """Covers: check 2, 4."""
    assert find_redirect_uri((registered,), requested) is same
