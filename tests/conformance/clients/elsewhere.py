"""The person at another device than the client's: types or finds what waits, and allows it on the ordinary page."""

import re
from html import unescape

import httpx2

from tests.conformance.clients.declared import PASSWORD, PERSON
from tests.conformance.clients.served import Served
from tests.whole_world import Form

PRESSED = {"/sign-in": {}, "/connections/waiting": {"do": "look"}}
"""What a press adds, by the address of the form; the consent page's own is found by its button."""


def answer_elsewhere(authority: Served, url: str) -> str:
    """From this address to the page that says to go back to the device."""
    with httpx2.Client(trust_env=False, follow_redirects=True) as browser:
        page = browser.get(url)
        while "/answered/" not in str(page.url):
            page = _fill_in(browser, page)
            assert page.status_code == 200, page.text
        assert str(page.url).startswith(authority.issuer)
        return str(page.url)


def _fill_in(browser: httpx2.Client, page: httpx2.Response) -> httpx2.Response:
    """The last form of the page as it stands, every box ticked, and the press that goes on."""
    main = page.text.partition("<main")[2]
    form = Form(main, lambda _box: True)
    typed = {"username": PERSON, "password": PASSWORD}
    fields = [(name, typed.get(name, unescape(value))) for name, value in form.fields]
    fields += PRESSED.get(form.action, {}).items()
    assert re.match(r"/[a-z]", form.action), page.text
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
    return browser.post(page.url.join(form.action), content=str(httpx2.QueryParams(fields)), headers=headers)
