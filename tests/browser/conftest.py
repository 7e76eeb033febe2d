"""A real server on a free loopback port and a real Chromium; what stands behind the pages is in `fakes.py`."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from grantline.ui.portal import PortalSettings, portal, portal_site
from tests.browser.fakes import FakeRandomness, FakeWorld

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--headless",
]  # fmt: skip
SETTINGS = PortalSettings("http://localhost", "Example Bank", "privacy@bank.example", zone="Europe/Madrid")


@dataclass(frozen=True)
class Running:
    """A server that answers at `url` for one fake world."""

    url: str
    world: FakeWorld


async def _client(_: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Client</title><h1>Back at the client</h1>")


def serve(world: FakeWorld) -> tuple[uvicorn.Server, threading.Thread, str]:
    """Start it in a thread of its own; port 0 lets the system choose."""
    site = portal_site(world.services(), SETTINGS, world.clock, FakeRandomness())
    app = portal(site, Route("/client/callback", _client))
    server = uvicorn.Server(uvicorn.Config(app, port=0, host="127.0.0.1", log_level="error", lifespan="off"))
    socket = server.config.bind_socket()
    # Another origin than the pages': the policy of the form has to let the redirect through.
    world.interaction.redirects["h-budget"] = f"http://localhost:{socket.getsockname()[1]}/client/callback"
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([socket])), daemon=True)
    thread.start()
    return server, thread, f"http://127.0.0.1:{socket.getsockname()[1]}"


@pytest.fixture
def running() -> Iterator[Running]:
    """A fresh world behind a real server."""
    world = FakeWorld()
    server, thread, url = serve(world)
    yield Running(url, world)
    server.should_exit = True
    thread.join(5)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """Playwright itself."""
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield launched
    await launched.close()


async def signed_in(browser: Browser, running: Running, **options: object) -> BrowserContext:
    """A context whose browser holds a session."""
    context = await browser.new_context(base_url=running.url, **options)  # type: ignore[arg-type]
    session = running.world.identity.begin()
    await context.add_cookies([{"name": "grantline", "value": session.secret, "url": running.url}])
    return context


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, running: Running) -> AsyncIterator[Page]:
    """A page of somebody who is signed in, without JavaScript: nothing here needs it."""
    context = await signed_in(browser, running, java_script_enabled=False)
    yield await context.new_page()
    await context.close()
