"""Answers that are posted, in Chromium: the page sends itself on; without script a person presses its button."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.async_api import Browser, Page

from tests.conformance.clients.listening import Answer, listening
from tests.conformance.clients.person import allow_in
from tests.conformance.clients.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("GRANTLINE_SHOTS")
"""A directory for pictures of what is seen here; none is made without it."""
VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"


@contextmanager
def _client() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An app that takes posts; its address, and what was posted there."""
    posted: list[dict[str, str]] = []

    def answers(_path: str, body: str) -> Answer:
        # A browser also asks for the icon.
        if body:
            posted.append({name: values[0] for name, values in parse_qs(body).items()})
        return Answer(b"<!doctype html><title>App</title><h1>Back at the app</h1>")

    with listening(answers) as port:
        yield f"http://127.0.0.1:{port}/posted", posted


def _asks(authority: Served, back: str, mode: str) -> str:
    query = {
        "client_id": "posted-app", "redirect_uri": back, "response_type": "code", "scope": "openid profile",
        "state": "<s> & \"t\"", "code_challenge": CHALLENGE, "code_challenge_method": "S256", "response_mode": mode,
    }  # fmt: skip
    return f"{authority.issuer}/authorize?{urlencode(query)}"


def _redeem(authority: Served, back: str, told: dict[str, str]) -> str:
    """The answer is good: who signed in. A signed one is verified by another library, with the published keys."""
    with httpx2.Client(trust_env=False) as http:
        if "response" in told:
            keys = KeySet.import_key_set(http.get(f"{authority.issuer}/jwks").json())
            told = dict(jwt.decode(told["response"], keys, algorithms=["ES256"]).claims)
            assert told["aud"] == "posted-app"
        assert (told["state"], told["iss"]) == ('<s> & "t"', authority.issuer)
        form = {
            "grant_type": "authorization_code", "client_id": "posted-app", "code": told["code"],
            "redirect_uri": back, "code_verifier": VERIFIER,
        }  # fmt: skip
        tokens = http.post(f"{authority.issuer}/token", data=form).raise_for_status().json()
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        return str(http.get(f"{authority.issuer}/userinfo", headers=bearer).raise_for_status().json()["name"])


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt"])
async def test_the_answer_lands_at_the_client_by_a_post(
    authority: Served, browser: Browser, mode: str, script: bool
) -> None:
    """Covers: line 1; check 28; Form Post Response Mode; JARM §2.3.3. The policy of the page stops nothing of it."""
    context = await browser.new_context(java_script_enabled=script, viewport={"width": 390, "height": 800})
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if "olicy" in message.text else None)
    with _client() as (back, posted):
        await page.goto(_asks(authority, back, mode))
        await allow_in(page)
        if not script:
            await page.wait_for_selector("h1:text('Going back to the app')")
            assert posted == []
            await _shot(page, f"going-back-{mode}")
            await page.click("text=Go back to the app")
        await page.wait_for_selector("text=Back at the app")
        assert page.url == back
        (told,) = posted
        assert set(told) == ({"response"} if mode.endswith("jwt") else {"code", "state", "iss"})
        assert await asyncio.to_thread(_redeem, authority, back, told) == "Visitor Example"
    assert complaints == []
    await context.close()
