"""Apache's mod_auth_openidc: an app that never sees OAuth, and an API that takes tokens."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from requests_oauthlib import OAuth2Session

from tests.conformance.clients.apache import running
from tests.conformance.clients.declared import CALLBACK
from tests.conformance.clients.served import Served


@pytest.fixture(scope="module")
def apache(authority: Served) -> Iterator[Path]:
    with running(authority) as log:
        yield log


@pytest.fixture
def browser(authority: Served) -> Iterator[httpx2.Client]:
    """A person's: one jar of cookies for the app and for the authority."""
    with httpx2.Client(verify=authority.tls.trusts, trust_env=False) as made:
        yield made


def _sign_in(browser: httpx2.Client, authority: Served) -> httpx2.Response:
    """From the app's door through the authority and back in."""
    sent = browser.get(f"{authority.apache}/app/")
    assert sent.headers["location"].startswith(f"{authority.issuer}/authorize?")
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert (asked["code_challenge_method"], "nonce" in asked) == (["S256"], True)
    back = browser.get(authority.act(browser, sent.headers["location"]))
    return browser.get(back.headers["location"])


def test_an_app_behind_it_knows_who_came_and_its_token_is_renewed(
    authority: Served, apache: Path, browser: httpx2.Client
) -> None:
    """Covers: line 12; code with PKCE and nonce, the ID token, userinfo, refresh; it checks each of them itself."""
    first = _sign_in(browser, authority)
    assert (first.status_code, first.headers["x-name"]) == (200, "Visitor Example"), apache.read_text()
    second = browser.get(f"{authority.apache}/app/")
    third = browser.get(f"{authority.apache}/app/")
    assert third.headers["x-subject"] == first.headers["x-subject"]
    tokens = {answer.headers["x-token"] for answer in (second, third)}
    assert len(tokens) == 2
    assert "" not in tokens


def test_leaving_by_the_app_ends_both_sessions(authority: Served, apache: Path, browser: httpx2.Client) -> None:
    """RP-initiated sign-out with the ID token as its hint: nobody is asked, and the way leads back."""
    _sign_in(browser, authority)
    left = browser.get(f"{authority.apache}/app/back", params={"logout": f"{authority.apache}/bye"})
    assert left.headers["location"].startswith(f"{authority.issuer}/logout?")
    assert authority.act(browser, left.headers["location"]) == f"{authority.apache}/bye"
    assert browser.get(f"{authority.apache}/app/").status_code == 302
    # At the authority too: whoever asks again is shown the form for the password.
    asked = browser.get(browser.get(f"{authority.apache}/app/").headers["location"])
    assert "/sign-in" in asked.headers["location"]


def test_leaving_at_the_authority_ends_the_app_s_session_too(
    authority: Served, apache: Path, browser: httpx2.Client
) -> None:
    """Covers: check 154; back-channel logout: Apache checks the logout token itself and forgets the session."""
    _sign_in(browser, authority)
    page = browser.get(f"{authority.issuer}/connections").text
    token = re.search(r'action="/sign-out".*?name="csrf" value="([^"]+)"', page, re.DOTALL)
    assert token is not None
    browser.post(f"{authority.issuer}/sign-out", data={"csrf": token[1]}, headers={"origin": authority.issuer})
    deadline = time.monotonic() + 20
    while browser.get(f"{authority.apache}/app/").status_code != 302:
        assert time.monotonic() < deadline, apache.read_text()
        time.sleep(0.05)


def test_an_api_behind_it_admits_tokens_that_are_for_it_while_they_live(
    authority: Served, apache: Path, browser: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks by introspection, as a client of its own; a token for another API and one that was revoked stay out."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    other, own = _token(authority, "calendar.events"), _token(authority, "mcp.events")
    assert _calls(browser, authority, own).status_code == 200, apache.read_text()
    assert _calls(browser, authority, own).headers["x-client"] == "public-app"
    assert _calls(browser, authority, other).status_code == 401
    assert browser.get(f"{authority.apache}/api/").status_code == 401
    with httpx2.Client(trust_env=False) as app:
        app.post(f"{authority.issuer}/revoke", data={"token": own, "client_id": "public-app"}).raise_for_status()
    assert _calls(browser, authority, own).status_code == 401


def _calls(browser: httpx2.Client, authority: Served, token: str) -> httpx2.Response:
    return browser.get(f"{authority.apache}/api/", headers={"authorization": f"Bearer {token}"})


def _token(authority: Served, scope: str) -> str:
    session = OAuth2Session("public-app", redirect_uri=CALLBACK, scope=[scope], pkce="S256")
    session.trust_env = False
    url, _state = session.authorization_url(f"{authority.issuer}/authorize")
    back = authority.allow(url)
    told = session.fetch_token(f"{authority.issuer}/token", authorization_response=back, include_client_id=True)
    return str(told["access_token"])
