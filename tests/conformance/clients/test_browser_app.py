"""oidc-client-ts in Chromium: a page without a server, from another origin than the authority's, signs people in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Response

from tests.conformance.clients.declared import SCOPE
from tests.conformance.clients.listening import Answer, listening
from tests.conformance.clients.person import allow_in
from tests.conformance.clients.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
HERE = Path(__file__).parent
SCRIPT = HERE / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
CALLED = {"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/revoke"}
"""What the page's script has to reach at the authority."""


@contextmanager
def _page(authority: Served, client: str) -> Iterator[str]:
    """The page on its own origin."""
    told = {"authority": authority.issuer, "client_id": client, "scope": SCOPE, "key": client.endswith("with-key")}
    index, app = (HERE / "page" / "index.html").read_bytes(), (HERE / "page" / "app.js").read_bytes()
    files = {
        "/app.js": ("text/javascript", app), "/oidc-client-ts.min.js": ("text/javascript", SCRIPT.read_bytes()),
        "/settings.json": ("application/json", json.dumps(told).encode()),
    }  # fmt: skip

    def answers(path: str, _posted: str) -> Answer:
        kind, body = files.get(urlsplit(path).path, ("text/html", index))
        return Answer(body, kind)

    with listening(answers, urlsplit(authority.page).port or 0):
        yield authority.page


async def _seen(page: Page, after: str) -> Any:
    """What the page shows once it has done this."""
    shown = json.loads(await page.locator(f'#seen[data-after="{after}"]').text_content() or "")
    assert "problem" not in shown, shown
    return shown


async def _does(page: Page, button: str) -> Any:
    await page.click(f"#{button}")
    return await _seen(page, button)


@pytest.mark.parametrize(("client", "kind"), [("browser-app", "Bearer"), ("browser-app-with-key", "DPoP")])
async def test_a_page_signs_a_person_in_renews_and_signs_out(
    authority: Served, node_packages: None, browser: Browser, client: str, kind: str
) -> None:
    """Covers: check 29; line 12; PKCE, callback, userinfo, refresh with rotation, revocation and sign-out, by CORS."""
    context = await browser.new_context()
    page, answers = await context.new_page(), list[Response]()
    page.on("response", lambda answer: answers.append(answer) if answer.request.resource_type == "fetch" else None)
    with _page(authority, client) as url:
        await page.goto(url)
        assert await _seen(page, "/") == {"authorize": False}
        await page.click("#sign-in")
        await allow_in(page)
        first = await _seen(page, "/callback")
        assert (first["type"], first["status"], first["about"]["name"]) == (kind, 200, "Visitor Example"), first
        assert first["profile"]["sub"] == first["about"]["sub"]
        second = await _does(page, "renew")
        third = await _does(page, "renew")
        assert len({first["token"], second["token"], third["token"]}) == 3
        assert (third["status"], third["about"]) == (200, first["about"])
        await page.click("#sign-out")
        assert await _seen(page, "/bye") == {"user": None}
        # The session is over at the authority too: whoever comes back signs in.
        await page.goto(url)
        await page.click("#sign-in")
        await page.wait_for_selector("#login-submit")
    called = {urlsplit(answer.url).path for answer in answers if answer.url.startswith(authority.issuer)}
    assert called >= CALLED
    await context.close()
