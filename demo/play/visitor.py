"""A person with a browser: connects the app, decides, looks, stops. Uses the pages by their words and ids alone."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from demo.play.beats import Failed, expect
from demo.world import World

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 15_000
DESKTOP = {"width": 1280, "height": 900}
STOPPED = re.compile(r"Stopped at (\d+) of (\d+) gateways in ([\d.,]+)\s*(ms|s)")


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield opened
        finally:
            await opened.close()


class Visitor:
    """One person in one browser profile."""

    def __init__(self, page: Page, world: World, pictures: Path) -> None:
        self._page = page
        self._world = world
        self._pictures = pictures
        self.screenshots: list[str] = []

    @classmethod
    async def arrive(cls, browser: Browser, world: World, pictures: Path) -> "Visitor":
        """A fresh profile without scripts: the pages need none."""
        context = await browser.new_context(viewport=DESKTOP, java_script_enabled=False)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        return cls(await context.new_page(), world, pictures)

    @asynccontextmanager
    async def _looking(self, what: str) -> AsyncIterator[None]:
        """A page that is not as expected is a claim that does not hold; what stands on it is told and kept."""
        try:
            yield
        except PlaywrightError as error:
            await self.picture("unexpected")
            said = " ".join((await self._page.inner_text("body")).split())
            raise Failed(f"{what}: {str(error).splitlines()[0]} at {self._page.url}: {said[:300]}") from error

    async def connect(self, username: str, *, wishes: tuple[str, ...], things: tuple[str, ...], days: int) -> None:
        """From the app's page to a decision, narrowed to these lines, things and length."""
        async with self._looking("connecting"):
            await self._connect(username, (*wishes, *things, f"{days} days"))

    async def _connect(self, username: str, picks: tuple[str, ...]) -> None:
        page = self._page
        await page.goto(self._world.address("budget"))
        await page.click("#connect")
        if await page.locator("#login-submit").count():
            await self._sign_in(username)
        for label in picks:
            await page.get_by_label(label, exact=False).first.check()
        await page.get_by_role("button", name="Update this summary").click()
        await self.picture("consent")
        await page.click("#consent-approve")
        expect(page.url.startswith(self._world.address("budget")), f"after Allow the browser is at {page.url}")
        await self.picture("connected")

    async def _sign_in(self, username: str) -> None:
        await self._page.fill("[name=username]", username)
        await self._page.fill("[name=password]", self._world.passwords()[username])
        await self._page.click("#login-submit")

    async def stop_newest(self) -> dict[str, Any]:
        """From Connections to the answer in two actions; what the page says of it."""
        async with self._looking("stopping"):
            return await self._stop_newest()

    async def _stop_newest(self) -> dict[str, Any]:
        page = self._page
        await page.goto(self._world.address("authority") + "/connections")
        await self.picture("connections")
        await page.locator("main a[href^='/connections/']").first.click()
        await self.picture("connection")
        await page.get_by_role("link", name="Stop").first.click()
        await page.get_by_role("button", name="Stop now").click()
        await self.picture("stopped")
        said = " ".join((await page.locator("main").inner_text()).split())
        return {"said": said[:400], "url": page.url}

    async def app(self, path: str, /, **query: str) -> dict[str, Any]:
        """What the app's own machinery answers for this visit."""
        answer = await self._page.request.get(self._world.address("budget") + path, params=query)
        found: dict[str, Any] = await answer.json()
        return found

    async def app_post(self, path: str, body: Any) -> None:
        """The same with a body."""
        await self._page.request.post(self._world.address("budget") + path, data=body)

    async def refresh(self) -> str:
        """The app's button for a fresh token; what its page says."""
        await self._page.goto(self._world.address("budget"))
        await self._page.get_by_role("button", name="Get a fresh token").click()
        return await self._page.locator("main").inner_text()

    async def picture(self, name: str) -> None:
        """Keep what is to be seen."""
        taken = len(list(self._pictures.iterdir()))
        path = self._pictures / f"{taken + 1:02}-{name}.png"
        await self._page.screenshot(path=path, full_page=True)
        self.screenshots.append(str(path))
