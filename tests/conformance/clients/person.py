"""The person in a real browser: signs in, and allows what is shown."""

from playwright.async_api import Page

from tests.conformance.clients.declared import PASSWORD, PERSON


async def allow_in(page: Page) -> None:
    """From the sign-in page to the press that allows. Every line that may be left out is taken."""
    await page.fill("[name=username]", PERSON)
    await page.fill("[name=password]", PASSWORD)
    await page.click("#login-submit")
    await page.wait_for_selector("#consent-approve")
    for box in await page.locator("input[name=line]:not([disabled])").all():
        await box.check()
    await page.click("#consent-approve")
