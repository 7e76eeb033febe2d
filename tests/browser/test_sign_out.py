"""Signing out at an app's wish, in a real browser over the composed authority: asked, told in frames, sent on."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from grantline.parties import Client, Logout, upsert
from tests.browser.test_accessible import AXE, RULES, RUN_AXE
from tests.instance_world import ISSUER, PASSWORD, Instance, instance

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
SHOTS = os.environ.get("GRANTLINE_SHOTS")
"""A directory for pictures of what is seen here; none is made without it."""


@dataclass
class Apps:
    """Two apps at one address of their own. `left`: what each was told in its frame."""

    left: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    async def back(self, _: Request) -> Response:
        return HTMLResponse("<!doctype html><title>App</title><h1>Signed in at the app</h1>")

    async def bye(self, _: Request) -> Response:
        return HTMLResponse("<!doctype html><title>App</title><h1>Signed out of the app</h1>")

    async def out(self, request: Request) -> Response:
        self.left.append((request.path_params["app"], parse_qs(request.url.query)))
        return HTMLResponse("<!doctype html><title>App</title>gone")

    def routes(self) -> list[Route]:
        return [Route("/back", self.back), Route("/bye", self.bye), Route("/{app}/out", self.out)]


@dataclass
class House:
    """The authority at `url`, the apps at `elsewhere`: two origins, as in life."""

    instance: Instance
    apps: Apps
    url: str
    elsewhere: str

    def asks(self, app: str) -> str:
        """The address by which an app asks who somebody is."""
        query = {
            "client_id": app, "redirect_uri": f"{self.elsewhere}/back", "response_type": "code", "scope": "openid",
            "state": "s", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self.url}/authorize?{urlencode(query)}"

    def leaves(self, app: str) -> str:
        """The address to which an app sends people to sign out."""
        query = {"client_id": app, "post_logout_redirect_uri": f"{self.elsewhere}/bye", "state": "s & t"}
        return f"{self.url}/logout?{urlencode(query)}"


async def _serve(app: object) -> tuple[uvicorn.Server, asyncio.Task[None], int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, host="127.0.0.1", log_level="error", lifespan="off"))  # type: ignore[arg-type]
    socket = server.config.bind_socket()
    return server, asyncio.create_task(server.serve([socket])), socket.getsockname()[1]


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Both, running, with two apps that are told in frames."""
    apps = Apps()
    async with instance(tmp_path, "one") as made:
        server = made.composed.server
        servers = [await _serve(made.composed.app), await _serve(Starlette(routes=apps.routes()))]
        own, theirs = (port for _, _, port in servers)
        found = House(made, apps, f"http://localhost:{own}", f"http://127.0.0.1:{theirs}")
        for name in ("diary", "shop"):
            client = Client(
                id=name, name=name.title(), publisher="Apps Ltd", web="https://apps.example", dpop_bound=False,
                redirect_uris=(f"{found.elsewhere}/back",), scopes=("openid",),
                logout=Logout(
                    redirect_uris=(f"{found.elsewhere}/bye",), frontchannel_uri=f"{found.elsewhere}/{name}/out",
                    frontchannel_session=True,
                ),
            )  # fmt: skip
            await made.state.write(lambda tx, one=client: upsert(tx, one, server.clock, server.randomness))  # type: ignore[misc]
        yield found
        for running, task, _ in servers:
            running.should_exit = True
            await task


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


async def _sign_in(page: Page, house: House) -> None:
    """At both apps, by one session."""
    await page.goto(house.asks("diary"))
    await page.fill("[name=username]", "one")
    await page.fill("[name=password]", PASSWORD)
    await page.click("#login-submit")
    await _shot(page, "consent-who-you-are")
    assert await page.text_content("h1") == "Diary asks who you are"
    await page.click("#consent-approve")
    assert await page.text_content("h1") == "Signed in at the app"
    await page.goto(house.asks("shop"))
    await page.click("#consent-approve")
    assert await page.text_content("h1") == "Signed in at the app"


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_a_person_leaves_two_apps_by_one_of_them(browser: Browser, house: House, script: bool) -> None:
    """Covers: check 59, 152; line 7; OIDC Front-Channel Logout §2; WCAG 2.2 of both pages; nothing else is framed."""
    context = await browser.new_context(java_script_enabled=script, viewport={"width": 390, "height": 800})
    page = await context.new_page()
    await _sign_in(page, house)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "olicy" in message.text else None)
    await page.goto(house.leaves("shop"))
    await _shot(page, "sign-out")
    assert await page.text_content("h1") == "Sign out?"
    assert "What you allowed stays." in (await page.text_content("main") or "")
    if script:
        await page.evaluate(AXE)
        assert await page.evaluate(RUN_AXE, RULES) == []
    await page.click("#sign-out")
    if not script:
        assert await page.text_content("h1") == "You are signed out"
        await page.wait_for_load_state("load")
        await _shot(page, "signed-out")
        await page.click("#onward")
    await page.wait_for_url("**/bye**")
    assert parse_qs(urlsplit(page.url).query) == {"state": ["s & t"]}
    assert await page.text_content("h1") == "Signed out of the app"
    told = dict(house.apps.left)
    assert {name: said["iss"] for name, said in told.items()} == {"diary": [ISSUER], "shop": [ISSUER]}
    assert told["diary"]["sid"] != told["shop"]["sid"]
    assert complaints == []
    await page.goto(f"{house.url}/connections")
    assert "/sign-in" in page.url
    await context.close()


async def test_a_person_may_stay(browser: Browser, house: House) -> None:
    """Covers: check 152; the other button changes nothing."""
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await _sign_in(page, house)
    await page.goto(house.leaves("shop"))
    await page.click("#stay")
    assert await page.text_content("h1") == "Hello, one Example"
    assert house.apps.left == []
    await context.close()


async def test_an_address_that_is_not_registered_ends_on_an_error_page(browser: Browser, house: House) -> None:
    """Covers: check 152; stable words, nobody is signed out or sent on."""
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await _sign_in(page, house)
    await page.goto(house.leaves("shop").replace("%2Fbye", "%2Fevil"))
    assert await page.text_content("h1") == "This request cannot go on"
    assert "You were not signed out." in (await page.text_content("main") or "")
    await page.goto(f"{house.url}/connections")
    assert await page.text_content("h1") == "Connections"
    assert (await page.text_content("main") or "").count("Know who you are") == 2
    await _shot(page, "connections-who-you-are")
    await context.close()
