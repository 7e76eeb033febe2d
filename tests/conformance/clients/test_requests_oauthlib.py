"""requests-oauthlib as a public client with PKCE writes it."""

import pytest
from requests_oauthlib import OAuth2Session

from tests.conformance.clients.declared import CALLBACK
from tests.conformance.clients.served import Served


@pytest.fixture(autouse=True)
def _on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib's own switch for http on a developer's machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def test_a_person_connects_it_and_it_renews_what_it_got(authority: Served) -> None:
    """Code with PKCE, userinfo, refresh with rotation."""
    session = OAuth2Session(
        "public-app", redirect_uri=CALLBACK, scope=["openid", "profile", "calendar.events"], pkce="S256"
    )
    session.trust_env = False
    url, _state = session.authorization_url(f"{authority.issuer}/authorize")
    first = session.fetch_token(
        f"{authority.issuer}/token", authorization_response=authority.allow(url), include_client_id=True
    )
    assert session.get(f"{authority.issuer}/userinfo").json()["name"] == "Visitor Example"
    second = session.refresh_token(f"{authority.issuer}/token", client_id="public-app")
    assert second["refresh_token"] != first["refresh_token"]
    assert session.get(f"{authority.issuer}/userinfo").json()["name"] == "Visitor Example"
