"""The consent page under hands: no script, keyboard alone, Enter, equal buttons, short sentences."""

import re

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import Running, signed_in
from tests.consent_world import sensitive

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONSENT = "/consent/h-budget"
BACK = "http://localhost:*/client/callback?*"
FOCUSED = "() => document.activeElement.id || document.activeElement.tagName"
IN_VIEW = """() => { const box = document.activeElement.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight }"""


async def tab_to(page: Page, element: str, most: int = 60) -> list[str]:
    """Press Tab until an element has the focus; what was passed on the way."""
    passed: list[str] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        passed.append(await page.evaluate(FOCUSED))
        if passed[-1] == element:
            return passed
    raise AssertionError(f"{element} is not reached: {passed}")


async def test_choosing_works_without_script(page: Page, running: Running) -> None:
    """Covers: C13, C20. JavaScript is off: tick, update, allow; the form may go to the client's address."""
    await page.goto(CONSENT)
    await page.locator("input[name=line]").first.check()
    await page.check("#bank-0")
    await page.click("#consent-update")
    recap = (await page.locator(".recap").inner_text()).replace("\u00a0", " ")
    assert recap.startswith("Budget app may read 4 fields of Everyday account •• 4821. It is for budgeting")
    assert await page.locator("input[name=line]").first.is_checked()
    await page.click("#consent-approve")
    await page.wait_for_url(BACK)
    assert await page.locator("h1").inner_text() == "Back at the client"
    (agreed,) = running.world.interaction.approved
    assert {resource for item in agreed.items for resource in item.resources} == {"a-4821"}


async def test_not_allowing_takes_one_step(page: Page, running: Running) -> None:
    """Covers: C11, C13. As many steps as allowing, and it never asks why."""
    await page.goto(CONSENT)
    await page.click("#consent-deny")
    await page.wait_for_url(BACK)
    assert "error=access_denied" in page.url
    assert running.world.interaction.approved == []


async def test_focus_starts_at_the_heading(page: Page) -> None:
    """Covers: C13."""
    for path in (CONSENT, "/sign-in", "/connections", "/connections/g_budget", "/connections/g_budget/stop"):
        await page.goto(path)
        assert await page.evaluate(FOCUSED) == "H1", path


async def test_enter_never_approves(page: Page, running: Running) -> None:
    """Covers: C13. On the page, on a tick, on a length: at most the summary is updated."""
    await page.goto(CONSENT)
    await page.keyboard.press("Enter")
    await page.check("#bank-0")
    for field in ("#bank-0", "#days-30", "input[name=line] >> nth=0"):
        await page.focus(field)
        await page.keyboard.press("Enter")
        await page.wait_for_load_state()
        assert page.url.endswith(CONSENT)
    assert await page.locator("#bank-0").is_checked()
    assert running.world.interaction.approved == []
    assert running.world.interaction.answered == {}


async def test_the_first_submit_of_the_document_is_harmless(page: Page) -> None:
    """Covers: C13."""
    await page.goto(CONSENT)
    submits = page.locator("button:not([type=button]), input[type=submit]")
    assert [await each.get_attribute("id") for each in await submits.all()] == [
        "consent-update", "consent-deny", "consent-approve",
    ]  # fmt: skip


async def test_keyboard_alone_is_enough(page: Page, running: Running) -> None:
    """Covers: C20. In the order of reading, every stop in view, refusing before allowing."""
    await page.set_viewport_size({"width": 390, "height": 700})
    await page.goto(CONSENT)
    passed = await tab_to(page, "bank-0")
    await page.keyboard.press("Space")
    await tab_to(page, "days-90")
    await page.keyboard.press("ArrowUp")
    passed += await tab_to(page, "consent-approve")
    assert passed.index("consent-update") < passed.index("consent-deny") < passed.index("consent-approve")
    assert await page.evaluate(IN_VIEW)
    await page.keyboard.press("Enter")
    await page.wait_for_url(BACK)
    (agreed,) = running.world.interaction.approved
    assert (agreed.expires_at - agreed.offer.durations[0].ends_at) == 0


async def test_the_two_answers_weigh_the_same(page: Page) -> None:
    """Covers: C11. Same size, same colours, same type, side by side, on each width."""
    await page.goto(CONSENT)
    style = """each => { const s = getComputedStyle(each);
        return [s.color, s.backgroundColor, s.borderColor, s.fontSize, s.fontWeight] }"""
    for width in (320, 390, 768, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        deny, allow = page.locator("#consent-deny"), page.locator("#consent-approve")
        first, second = await deny.bounding_box(), await allow.bounding_box()
        assert first
        assert second
        assert (first["width"], first["height"], first["y"]) == (second["width"], second["height"], second["y"])
        assert first["height"] >= 52
        assert await deny.evaluate(style) == await allow.evaluate(style)


async def test_keeping_and_stopping_have_the_same_size(page: Page) -> None:
    """Covers: C11, P5."""
    await page.goto("/connections/g_budget/stop")
    for width in (320, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        keep, stop = [await page.locator(f".pair > {each}").bounding_box() for each in ("a", "button")]
        assert keep
        assert stop
        assert (keep["width"], keep["height"]) == (stop["width"], stop["height"])


async def test_special_data_takes_a_yes_of_its_own(page: Page, running: Running) -> None:
    """Without script: nothing is ticked beforehand; forgotten, it is said and focused; ticked, it is granted."""
    running.world.interaction.catalog = sensitive("bank.transactions")
    await page.goto(CONSENT)
    box = page.get_by_label("Yes, explicitly: it may read transactions")
    assert not await box.is_checked()
    await page.check("#bank-0")
    await page.click("#consent-approve")
    assert "Tick this to share transactions" in await page.evaluate("() => document.activeElement.innerText")
    assert running.world.interaction.approved == []
    await box.check()
    await page.click("#consent-approve")
    await page.wait_for_url(BACK)
    (agreed,) = running.world.interaction.approved
    assert [item.explicit for item in agreed.items] == [True]


async def test_stopping_works_without_script(page: Page, running: Running) -> None:
    """Covers: P5. Two acts from the connection."""
    await page.goto("/connections/g_budget")
    await page.click("#connection-stop")
    await page.click("#stop-now")
    answer = await page.locator("#closure-answer").inner_text()
    assert answer.replace("\u00a0", " ") == "Stopped at 2 of 2 gateways in 41 ms"
    assert len(running.world.connections.withdrawn) == 1


async def test_a_tampered_form_widens_nothing(browser: Browser, running: Running) -> None:
    """Covers: C15. Somebody with the inspector open."""
    context = await signed_in(browser, running)
    page = await context.new_page()
    await page.goto(CONSENT)
    await page.check("#bank-0")
    await page.evaluate("() => { document.querySelector('#bank-1').value = 'a-7714' }")
    await page.check("#bank-1")
    await page.click("#consent-approve")
    assert await page.locator("h1").inner_text() == "This answer does not fit the question"
    assert running.world.interaction.approved == []
    await context.close()


@pytest.mark.parametrize("path", [CONSENT, "/consent/h-loan", "/consent/h-local", "/connections/g_budget/stop"])
async def test_sentences_stay_short(page: Page, path: str) -> None:
    """Covers: C12. At most 15 words each, as they are read on the page."""
    await page.goto(path)
    for text in await page.locator("main p, main li, main dd, main label, main h1, main h2").all_inner_texts():
        for sentence in re.split(r"[.?!:](?:\s|$)|\n", text):
            assert len(sentence.split()) <= 15, sentence


async def test_signing_in_leads_to_the_question(browser: Browser, running: Running) -> None:
    """Names and ids that integrators' own tests rely on; Enter in the password field signs in."""
    context = await browser.new_context(base_url=running.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(CONSENT)
    await page.fill("[name=username]", "holder")
    await page.fill("[name=password]", "a long enough password")
    assert await page.locator("#login-submit").inner_text() == "Sign in"
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{CONSENT}")
    assert await page.get_by_role("button", name="Don’t allow").get_attribute("id") == "consent-deny"
    assert await page.get_by_role("button", name="Allow", exact=True).get_attribute("id") == "consent-approve"
    await context.close()
