"""Passkeys in a real Chromium with a virtual authenticator (CDP), against the whole composition on localhost."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, CDPSession, Page

from grantline.app.authority import authority
from grantline.app.setup import prepare
from grantline.app.state import open_state
from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.model.clock import SystemClock
from grantline.settings import Settings
from tests.instance_world import PASSWORD, declared

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Live:
    """A composed authority behind a real port; `url` is its issuer."""

    url: str
    stop: threading.Event


def _serve(folder: Path, ready: threading.Event, live: Live) -> None:
    async def run() -> None:
        data = folder / "data"
        await apply_to(data, read_declaration(declared(folder, "one")))
        prepare(data)
        server = uvicorn.Server(
            uvicorn.Config(lambda *_: None, port=0, host="127.0.0.1", log_level="error", lifespan="off")
        )
        socket = server.config.bind_socket()
        live.url = f"http://localhost:{socket.getsockname()[1]}"
        async with open_state(data) as state, authority(Settings(), data, state, live.url, SystemClock()) as composed:
            server.config.app = composed.app
            serving = asyncio.create_task(server.serve([socket]))
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            ready.set()
            await asyncio.to_thread(live.stop.wait)
            server.should_exit = True
            await serving

    asyncio.run(run())


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """One person, and nothing else."""
    made, ready = Live("", threading.Event()), threading.Event()
    thread = threading.Thread(target=_serve, args=(tmp_path, ready, made), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield made
    made.stop.set()
    thread.join(10)


class Device:
    """The virtual authenticator of one page: a platform one that verifies its user, with what it holds."""

    def __init__(self, session: CDPSession, id: str) -> None:
        self._session = session
        self._id = id

    @classmethod
    async def plugged_into(cls, page: Page, *, verifies: bool = True) -> "Device":
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": verifies, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, made["authenticatorId"])

    async def held(self) -> list[dict[str, object]]:
        found = await self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        return list(found["credentials"])

    async def takes_over(self, credential: dict[str, object]) -> None:
        """Hold a key that another device made, as when somebody copied it."""
        await self._session.send("WebAuthn.addCredential", {"authenticatorId": self._id, "credential": credential})

    async def forget(self, credential: dict[str, object]) -> None:
        gone = {"authenticatorId": self._id, "credentialId": credential["credentialId"]}
        await self._session.send("WebAuthn.removeCredential", gone)


@asynccontextmanager
async def at(browser: Browser, live: Live) -> AsyncIterator[Page]:
    """A page of a fresh browser; whatever breaks its policy or throws fails the test."""
    context: BrowserContext = await browser.new_context(base_url=live.url)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security" in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []
    await context.close()


async def by_password(page: Page) -> None:
    await page.goto("/sign-in?next=/security")
    await page.fill("#username", "one")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")


async def add(page: Page, name: str = "Laptop") -> None:
    await page.goto("/security/passkey")
    await page.fill("#name", name)
    await page.click("#passkey-submit")
    await page.wait_for_url("**/security/recovery")


async def test_a_passkey_is_made_and_then_the_only_factor(browser: Browser, live: Live) -> None:
    """Registered, signed out, signed in with one press and no name; the count of signatures is kept."""
    async with at(browser, live) as page:
        device = await Device.plugged_into(page)
        await by_password(page)
        await page.wait_for_url("**/security")
        await add(page)
        await page.goto("/security")
        assert "Laptop" in await page.inner_text("main")
        # Some authenticators count the making of the key as its first use.
        (made,) = await device.held()
        for _ in range(2):
            await page.click("text=Sign out")
            await page.wait_for_url("**/sign-in")
            await page.goto("/sign-in?next=/security")
            await page.click(".passkey")
            await page.wait_for_url(re.compile(r"^[^?]*/security$"))
            assert "by passkey" in await page.inner_text("#sessions")
        assert [one["signCount"] for one in await device.held()] == [made["signCount"] + 2]


async def test_after_the_password_the_passkey_is_the_second_step(browser: Browser, live: Live) -> None:
    """Covers: check 56."""
    async with at(browser, live) as page:
        await Device.plugged_into(page)
        await by_password(page)
        await add(page)
        await page.goto("/security")
        await page.click("text=Sign out")
        await by_password(page)
        await page.wait_for_url("**/sign-in/second?**")
        await page.goto("/security")
        assert "/sign-in" in page.url
        await by_password(page)
        await page.click(".passkey")
        await page.wait_for_url("**/security")


async def test_a_device_that_does_not_know_its_user_makes_nothing(browser: Browser, live: Live) -> None:
    async with at(browser, live) as page:
        device = await Device.plugged_into(page, verifies=False)
        await by_password(page)
        await page.goto("/security/passkey")
        await page.fill("#name", "Laptop")
        await page.click("#passkey-submit")
        await page.wait_for_selector("[data-passkey-wrong]:visible")
        assert await device.held() == []
        assert await page.evaluate("document.activeElement.hasAttribute('data-passkey-wrong')")


async def test_one_device_makes_one_passkey(browser: Browser, live: Live) -> None:
    """It is told which it has already."""
    async with at(browser, live) as page:
        device = await Device.plugged_into(page)
        await by_password(page)
        await add(page)
        await page.goto("/security/passkey")
        if "/sign-in" in page.url:
            await page.click(".passkey")
            await page.wait_for_url("**/security/passkey")
        await page.fill("#name", "Again")
        await page.click("#passkey-submit")
        await page.wait_for_selector("[data-passkey-wrong]:visible")
        assert len(await device.held()) == 1


async def test_a_copied_key_is_found_out(browser: Browser, live: Live) -> None:
    """The copy counts from where it was taken; the original has gone on."""
    async with at(browser, live) as page:
        device = await Device.plugged_into(page)
        await by_password(page)
        await add(page)
        copy = (await device.held())[0]
        await page.goto("/security")
        await page.click("text=Sign out")
        await page.goto("/sign-in?next=/security")
        await page.click(".passkey")
        await page.wait_for_url("**/security")
        await page.click("text=Sign out")
        await device.forget(copy)
        await device.takes_over(copy)
        await page.goto("/sign-in?next=/security")
        await page.click(".passkey")
        await page.wait_for_selector("#sign-in-wrong")
        assert "did not work here" in await page.inner_text("#sign-in-wrong")


async def test_without_javascript_the_other_ways_stand_alone(browser: Browser, live: Live) -> None:
    context = await browser.new_context(base_url=live.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/sign-in?next=/security")
    assert not await page.is_visible(".passkey")
    await by_password(page)
    await page.goto("/security/passkey")
    assert await page.is_visible("[data-without-passkey]")
    assert not await page.is_visible("#passkey-submit")
    await context.close()
