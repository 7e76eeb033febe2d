"""Authlib as a confidential web application writes it, over requests."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from authlib.integrations.requests_client import OAuth2Session

from tests.conformance.clients.declared import CALLBACK, SCOPE
from tests.conformance.clients.served import Served


@pytest.fixture(autouse=True)
def _on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Authlib's own switch for http on a developer's machine."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def _session(authority: Served) -> OAuth2Session:
    return OAuth2Session(
        "secret-app", authority.secret, scope=SCOPE, redirect_uri=CALLBACK, code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )  # fmt: skip


def test_a_person_connects_it_and_it_renews_what_it_got(authority: Served) -> None:
    """Code with PKCE, userinfo, refresh, introspection by the client itself, revocation."""
    told = httpx2.get(f"{authority.issuer}/.well-known/openid-configuration", trust_env=False).json()
    session = _session(authority)
    verifier = "v" * 48
    url, state = session.create_authorization_url(told["authorization_endpoint"], code_verifier=verifier)
    back = authority.allow(url)
    assert parse_qs(urlsplit(back).query)["state"] == [state]
    first = session.fetch_token(told["token_endpoint"], authorization_response=back, code_verifier=verifier)
    assert set(first["scope"].split()) >= {"openid", "calendar.events"}
    assert session.get(told["userinfo_endpoint"]).json()["name"] == "Visitor Example"

    second = session.refresh_token(told["token_endpoint"], refresh_token=first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    seen = session.introspect_token(told["introspection_endpoint"], token=second["access_token"]).json()
    assert (seen["active"], seen["client_id"]) == (True, "secret-app")

    assert session.revoke_token(told["revocation_endpoint"], token=second["refresh_token"]).status_code == 200
    gone = session.introspect_token(told["introspection_endpoint"], token=second["access_token"]).json()
    assert gone == {"active": False}
