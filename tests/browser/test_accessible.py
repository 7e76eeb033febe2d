"""Every page in a real browser: axe-core finds nothing, nothing runs over, nothing breaks the policy (C20)."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page

from tests.browser.conftest import Running, signed_in
from tests.browser.walk import PAGES, Stop

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What a width or a colour scheme can change; the rest is the same document.
OF_LOOKS = ["color-contrast", "target-size", "region", "scrollable-region-focusable"]
WIDTHS = (320, 390, 768, 1280)
LOOKS = ((390, "dark"), (1280, "light"))
MORE_LOOKS = ((390, "light"), (1280, "dark"))
MAIN = ("consent picked", "connections", "connection", "stopped")

RUN_AXE = """async rules => (await axe.run(document, {runOnly: rules})).violations.map(
    each => [each.id, each.nodes.map(node => node.html + ' ' + (node.failureSummary || ''))])"""

RUN_OVER = """() => [...document.querySelectorAll('body *')].filter(each =>
    !each.closest('.hidden, .skip, svg') &&
    each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    ).map(each => each.outerHTML.slice(0, 120))
    .concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page itself'] : [])"""

SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), summary')].filter(each => {
    const box = each.getBoundingClientRect();
    const inline = getComputedStyle(each).display === 'inline';
    return !each.closest('.skip, .hidden') && !inline && box.width && (box.width < 24 || box.height < 24)
}).map(each => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("stop", PAGES, ids=str)
async def test_a_page_holds_for_everybody(browser: Browser, running: Running, stop: Stop) -> None:
    """Covers: C16, C20. axe-core A, AA and best practice; 320 to 1280 px; light and dark; the strict policy."""
    stop.world(running.world)
    context = await signed_in(browser, running, reduced_motion="reduce")
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if _of_policy(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(stop.path)
    await stop.first(page)
    assert await _over_any_width(page) == {}
    assert await page.evaluate(SMALL) == []
    await page.evaluate(AXE)
    rules = RULES
    for width, scheme in (*LOOKS, *(MORE_LOOKS if stop.name in MAIN else ())):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)
        found = await page.evaluate(RUN_AXE, rules)
        assert not found, f"{width} {scheme}: {json.dumps(found, indent=1)}"
        rules = OF_LOOKS
    assert complaints == []
    await context.close()


async def test_the_bundled_type_is_what_is_seen(browser: Browser, running: Running) -> None:
    """The policy lets our own font through, and the style really names it."""
    context = await signed_in(browser, running)
    page = await context.new_page()
    await page.goto("/connections")
    loaded = "async () => (await document.fonts.ready, [...document.fonts].some(face => face.status === 'loaded'))"
    assert await page.evaluate(loaded)
    await context.close()


async def test_the_checks_of_this_file_can_fail(browser: Browser, running: Running) -> None:
    """A page with seeded faults is found: no name, too wide, an inline style."""
    context = await signed_in(browser, running)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if _of_policy(message) else None)
    await page.goto("/connections")
    fault = '<button class="btn"></button><p class="btn">' + "wide" * 200 + '</p><i style="color:red">x</i>'
    await page.evaluate("html => { document.querySelector('main').insertAdjacentHTML('beforeend', html) }", fault)
    await page.evaluate(AXE)
    assert "button-name" in [name for name, _ in await page.evaluate(RUN_AXE, RULES)]
    assert await _over_any_width(page)
    assert complaints
    await context.close()


async def _over_any_width(page: Page) -> dict[int, list[str]]:
    found = {}
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        if over := await page.evaluate(RUN_OVER):
            found[width] = over
    return found


def _of_policy(message: ConsoleMessage) -> bool:
    return "Content Security Policy" in message.text or "violates" in message.text
