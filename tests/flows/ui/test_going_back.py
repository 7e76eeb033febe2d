"""The way back to the client: by its address, or by a page that posts there and does nothing else."""

import html
import re

import pytest

from grantline.authorization import Deliver, Delivery, SignIn
from tests.browser.fakes import HOSTILE, FakeWorld
from tests.flows.ui.conftest import Browser
from tests.flows.ui.test_consent import PAGE, answer

BACK = "https://app.budget.example/callback"


@pytest.mark.parametrize("do", ["approve", "refuse"])
def test_a_posted_answer_is_a_page_that_posts_it_escaped(holder: Browser, world: FakeWorld, do: str) -> None:
    """Covers: check 30; K4: escaped values only, no inline script, a button for who runs none."""
    world.interaction.posted.add("h-budget")
    page = holder.post(PAGE, data=answer(holder, do))
    assert page.status_code == 200
    forms = re.findall(r'<form [^>]*method="post" action="([^"]*)"', page.text)
    assert forms == [BACK]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    told = {name: html.unescape(value) for name, value in fields.items()}
    assert told == {("code" if do == "approve" else "error"): "abc" if do == "approve" else "access_denied",
                    "state": HOSTILE}  # fmt: skip
    assert "evil.example></script>" not in page.text
    assert re.findall(r"<script[^>]*>", page.text) == re.findall(
        r'<script src="/static/[0-9a-f]{16}/js/onward\.js" defer>', page.text
    )
    assert page.text.count("<script") == 1
    assert "<button" in page.text


def test_the_page_may_run_our_file_and_post_to_the_client_alone(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 26, 28; form-action names the redirect origin only."""
    world.interaction.posted.add("h-budget")
    page = holder.post(PAGE, data=answer(holder, "approve"))
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["form-action"] == "https://app.budget.example"
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert page.headers["cache-control"] == "no-store"
    script = re.search(r'<script src="([^"]+)"', page.text)
    assert script is not None
    file = holder.get(script[1])
    assert file.headers["content-type"].startswith("text/javascript")
    assert 'getElementById("onward")' in file.text
    assert '<form class="sec gap" id="onward"' in page.text


def test_who_needs_another_sign_in_is_led_there_with_its_level(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 57; RFC 9470."""
    world.interaction.next["h-budget"] = SignIn(("phr", "urn:grantline:acr:mfa"))
    to = holder.get(PAGE).headers["location"]
    assert to == "/sign-in?next=%2Fconsent%2Fh-budget&acr=phr%20urn%3Agrantline%3Aacr%3Amfa"


def test_who_answered_before_goes_straight_back(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 41."""
    world.interaction.next["h-budget"] = Deliver(Delivery(f"{BACK}?code=x"))
    assert holder.get(PAGE).headers["location"] == f"{BACK}?code=x"


def test_the_sign_in_page_holds_who_is_expected(visitor: Browser, world: FakeWorld) -> None:
    """Covers: login_hint; escaped, and only a suggestion."""
    world.interaction.hints["h-budget"] = 'ada"><script>'
    page = visitor.get("/sign-in?next=/consent/h-budget").text
    assert 'name="username" value="ada&#34;&gt;&lt;script&gt;"' in page


@pytest.mark.parametrize("code", ["invalid_request_object", "invalid_request_uri", "request_uri_not_supported"])
def test_each_new_error_has_its_own_fixed_words(code: str) -> None:
    """Covers: stable error pages; text that a test can wait for."""
    from grantline.ui.portal.views.errors import ERRORS, error_text

    name, text = error_text(code)
    assert name == code
    assert [one.happened for one in ERRORS.values()].count(text.happened) == 1
