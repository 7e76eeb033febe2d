"""An app on a person's machine: its own browser is not ours, its way back is a port or a scheme of its own."""

import asyncio
import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from playwright.async_api import Browser, Request

from tests.conformance.clients.declared import PRIVATE_SCHEME, SCOPE
from tests.conformance.clients.listening import Answer, listening
from tests.conformance.clients.person import allow_in
from tests.conformance.clients.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Native:
    """The app: a verifier and a state of its own for each try, no secret (RFC 8252 §6)."""

    authority: Served
    back: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asks(self) -> str:
        """What it opens in the person's browser."""
        challenge = base64.urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "client_id": "native-app", "redirect_uri": self.back, "response_type": "code", "scope": SCOPE,
            "state": self.state, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self.authority.issuer}/authorize?{urlencode(query)}"

    def redeems(self, answer: str) -> dict[str, Any]:
        """What it gets for the answer that came to it, and what its token is good for."""
        told = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
        assert (told["state"], told["iss"]) == (self.state, self.authority.issuer)
        form = {
            "grant_type": "authorization_code", "client_id": "native-app", "code": told["code"],
            "redirect_uri": self.back, "code_verifier": self.verifier,
        }  # fmt: skip
        with httpx2.Client(trust_env=False) as http:
            tokens = http.post(f"{self.authority.issuer}/token", data=form).raise_for_status().json()
            bearer = {"authorization": f"Bearer {tokens['access_token']}"}
            about = http.get(f"{self.authority.issuer}/userinfo", headers=bearer).raise_for_status()
        return {"name": about.json()["name"], "refresh": "refresh_token" in tokens}


@contextmanager
def _app() -> Iterator[tuple[int, list[str]]]:
    """The app listens at a port that the system chose; what came to it."""
    came: list[str] = []

    def answers(path: str, _posted: str) -> Answer:
        came.append(path)
        return Answer(b"<!doctype html><title>App</title><h1>Back in the app</h1>")

    with listening(answers) as port:
        yield port, came


async def test_its_answer_comes_to_whichever_port_it_listens_on(authority: Served, browser: Browser) -> None:
    """Covers: check 2; line 12; RFC 8252 §7.3. The next time it listens elsewhere, and the person is asked again."""
    context = await browser.new_context()
    page = await context.new_page()
    for turn in range(2):
        with _app() as (port, came):
            app = Native(authority, f"http://127.0.0.1:{port}/callback")
            await page.goto(app.asks())
            if turn == 0:
                await allow_in(page)
            else:
                await page.click("#consent-approve")
            await page.wait_for_selector("text=Back in the app")
            answer = next(path for path in came if path.startswith("/callback"))
            redeemed = await asyncio.to_thread(app.redeems, answer)
            assert redeemed == {"name": "Visitor Example", "refresh": True}
    await context.close()


async def test_its_answer_comes_by_a_scheme_of_its_own(authority: Served, browser: Browser) -> None:
    """Covers: check 42; line 12; RFC 8252 §7.1: the browser hands the address to the app, after the person's press."""
    context = await browser.new_context()
    page = await context.new_page()
    left: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(request: Request) -> None:
        if request.url.startswith("com.example.app:") and not left.done():
            left.set_result(request.url)

    page.on("request", note)
    app = Native(authority, PRIVATE_SCHEME)
    await page.goto(app.asks())
    await allow_in(page)
    answer = await asyncio.wait_for(left, 20)
    assert answer.startswith(f"{PRIVATE_SCHEME}?")
    assert (await asyncio.to_thread(app.redeems, answer)) == {"name": "Visitor Example", "refresh": True}
    await context.close()


async def test_another_path_of_the_port_gets_nothing(authority: Served, browser: Browser) -> None:
    """Only the port may differ; the person sees an error page, and the address hears nothing."""
    context = await browser.new_context()
    page = await context.new_page()
    with _app() as (port, came):
        await page.goto(Native(authority, f"http://127.0.0.1:{port}/other").asks())
        assert await page.text_content("h1") == "This request cannot go on"
        assert urlsplit(page.url).netloc == urlsplit(authority.issuer).netloc
        assert came == []
    await context.close()
