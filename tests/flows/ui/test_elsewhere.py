"""Codes of devices, what waits from elsewhere, and the page after an answer."""

from typing import Any

import pytest

from grantline.authorization import SignIn
from tests.browser.fakes import HOLDER, FakeWorld
from tests.flows.ui.conftest import Browser

WAITING = "/connections/waiting"


def test_a_code_in_the_address_fills_the_field_and_does_nothing_else(holder: Browser, world: FakeWorld) -> None:
    """RFC 8628 §3.3.1."""
    page = holder.get("/device?user_code=bdwp-hqpk")
    assert (page.status_code, 'value="BDWP-HQPK"' in page.text) == (200, True)
    assert world.elsewhere.typed == []
    assert world.elsewhere.confirmed == {}
    assert 'value=""' in holder.get('/device?user_code="><script>').text


def test_who_has_to_sign_in_first_comes_back_to_the_code(visitor: Browser) -> None:
    to = visitor.get("/device?user_code=BDWP-HQPK").headers["location"]
    assert to == "/sign-in?next=%2Fdevice%2Fcode%2FBDWP-HQPK"
    page = visitor.get(to).text
    assert 'name="next" value="/device/code/BDWP-HQPK"' in page
    assert visitor.get("/device?user_code=evil//x").headers["location"] == "/sign-in?next=%2Fdevice"


def test_a_typed_code_leads_to_what_is_to_be_compared(holder: Browser, world: FakeWorld) -> None:
    """Who, with which code, for what, from where and when; two equal ways on; still nothing is confirmed."""
    form = {**holder.hidden("/device"), "user_code": "bdwp hqpk"}
    onward = holder.post("/device", data=form)
    assert (onward.status_code, onward.headers["location"]) == (303, "/device/h-tv")
    assert world.elsewhere.typed == [("bdwp hqpk", HOLDER, "testclient")]
    page = holder.get("/device/h-tv").text
    for words in ("Living room TV", "BDWP-HQPK", "transactions", "192.0.2.7", "Verified by Example Bank"):
        assert words in page
    assert page.count('class="btn choice"') == 2
    assert world.elsewhere.confirmed == {}


def test_only_saying_that_it_is_mine_leads_to_the_question(holder: Browser, world: FakeWorld) -> None:
    page = "/device/h-tv"
    assert holder.post(page, data={"csrf": "forged"}).status_code == 403
    assert holder.post(page, data={"csrf": holder.hidden("/device")["csrf"]}).status_code == 403
    assert world.elsewhere.confirmed == {}
    onward = holder.post(page, data=holder.hidden(page))
    assert (onward.status_code, onward.headers["location"]) == (303, "/consent/h-tv")
    assert world.elsewhere.confirmed == {"h-tv": HOLDER}
    assert world.interaction.approved == []


@pytest.mark.parametrize(("slowed", "status", "words"), [(0, 422, "No device waits"), (8, 429, "Too many tries")])
def test_a_wrong_code_is_told_and_stays_in_its_field(
    holder: Browser, world: FakeWorld, slowed: int, status: int, words: str
) -> None:
    world.elsewhere.slowed = slowed
    page = holder.post("/device", data={**holder.hidden("/device"), "user_code": 'BBBB"><b>'})
    assert (page.status_code, words in page.text) == (status, True)
    assert 'value="BBBB&#34;&gt;&lt;b&gt;"' in page.text


def test_what_waits_is_told_where_people_look_first(holder: Browser, world: FakeWorld) -> None:
    for path in ("/", "/connections"):
        assert f'<a href="{WAITING}">' in holder.get(path).text
    page = holder.get(WAITING).text
    for words in ("Call centre", "Order 4711", "192.0.2.7", "Living room TV"):
        assert (words in page) == (words != "Living room TV")
    world.elsewhere.requests.clear()
    for path in ("/", "/connections"):
        assert WAITING not in holder.get(path).text
    assert "Nothing waits" in holder.get(WAITING).text


def answer(browser: Browser, do: str) -> dict[str, Any]:
    """The form of the one request that waits."""
    return {**browser.hidden(WAITING), "do": do}


def test_refusing_takes_one_press_and_allowing_is_the_question_s_alone(holder: Browser, world: FakeWorld) -> None:
    look = holder.post(WAITING, data=answer(holder, "look"))
    assert look.headers["location"] == "/consent/h-call"
    assert holder.post(WAITING, data=answer(holder, "approve")).status_code == 400
    assert world.interaction.answered == {}
    refused = holder.post(WAITING, data=answer(holder, "refuse"))
    assert (refused.status_code, refused.headers["location"]) == (303, "/answered/h-call")
    assert world.interaction.answered["h-call"].what == "refused"
    page = holder.get("/answered/h-call").text
    assert "Go back to where you were asked" in page
    assert "was not allowed" in page
    assert holder.post(WAITING, data=answer(holder, "refuse")).headers["location"] == "/consent/h-call"


def test_refusing_needs_the_form_of_that_very_request(holder: Browser, world: FakeWorld) -> None:
    form = answer(holder, "refuse")
    assert holder.post(WAITING, data={**form, "request": "h-budget"}).status_code == 403
    assert holder.post(WAITING, data={**form, "csrf": "forged"}).status_code == 403
    assert world.interaction.answered == {}


def test_a_stronger_sign_in_is_no_hindrance_to_the_question(holder: Browser, world: FakeWorld) -> None:
    world.interaction.next["h-call"] = SignIn(("phr",))
    assert holder.get("/consent/h-call").headers["location"] == "/sign-in?next=%2Fconsent%2Fh-call&acr=phr"


def test_the_question_says_where_it_comes_from_and_sends_nobody_away(holder: Browser) -> None:
    page = holder.get("/consent/h-call")
    assert "Order 4711" in page.text
    assert "192.0.2.7" in page.text
    assert "Sends you back to" not in page.text
    assert "it goes on where you were asked" in page.text
    assert "form-action 'self';" in page.headers["content-security-policy"]


def test_after_allowing_a_device_the_person_is_sent_back_to_it(holder: Browser) -> None:
    form = {**holder.hidden("/consent/h-tv"), "do": "approve", "resource:bank": ["a-4821"], "days": "90"}
    onward = holder.post("/consent/h-tv", data=form)
    assert (onward.status_code, onward.headers["location"]) == (303, "/answered/h-tv")
    page = holder.get("/answered/h-tv").text
    assert "Go back to your device" in page
    assert 'href="/connections/g_budget"' in page
    assert holder.get("/answered/h-budget").status_code == 404


def test_the_sign_in_page_says_who_waits_and_promises_no_way_back(visitor: Browser) -> None:
    """Whoever signs in for a request from elsewhere is sent to no address of the client."""
    page = visitor.get("/sign-in?next=/consent/h-call").text
    assert "Call centre</bdi> is waiting for your answer" in page
    assert "you go back to" not in page
    assert "It never sees your password" in page
