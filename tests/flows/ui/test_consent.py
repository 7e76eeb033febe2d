"""The answer to the question: it narrows, it is bound to session and request, and it is given once."""

import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from grantline.catalog import build_catalog
from grantline.consent import words
from grantline.model.errors import Conflict, LoginRequired
from grantline.model.ids import PurposeId
from tests.browser.fakes import FakeWorld, card
from tests.consent_world import sensitive
from tests.flows.ui.conftest import Browser

PAGE = "/consent/h-budget"
MERCHANT = "bank.transactions.read.budgeting:field.merchant"
REQUIRED = "bank.transactions.read.budgeting:required"
RESOURCE = "resource:bank"


def answer(browser: Browser, do: str, page: str = PAGE, **fields: Any) -> dict[str, Any]:
    """A form as the page would send it, with some fields changed."""
    return {**browser.hidden(page), "do": do, RESOURCE: ["a-4821"], "days": "90", **fields}


def test_an_answer_goes_back_to_the_client_and_narrows(holder: Browser, world: FakeWorld) -> None:
    """Covers: C5, C6, C15. One optional line, one account, thirty days."""
    form = answer(holder, "approve", line=[MERCHANT], days="30")
    back = holder.post(PAGE, data=form)
    assert (back.status_code, back.headers["location"]) == (303, "https://app.budget.example/callback?code=abc")
    (agreed,) = world.interaction.approved
    fields = {field for item in agreed.items for field in item.fields}
    assert "merchant" in fields
    assert not {"iban", "counterparty", "balance"} & fields
    assert {resource for item in agreed.items for resource in item.resources} == {"a-4821"}


def test_not_allowing_goes_back_and_grants_nothing(holder: Browser, world: FakeWorld) -> None:
    """Covers: C13."""
    back = holder.post(PAGE, data=answer(holder, "refuse"))
    assert back.headers["location"].endswith("?error=access_denied")
    assert world.interaction.approved == []


@pytest.mark.parametrize(
    "widening",
    [
        {"line": ["bank.payments.pay.budgeting:all"]},
        {"line": [REQUIRED]},
        {RESOURCE: ["a-7714"]},
        {RESOURCE: ["a-4821", "a-0000"]},
        {"resource:calendar": ["c-1"]},
        {"days": "3650"},
        {"days": ["30", "90"]},
        {"lookback": "9999"},
        {"scope": "bank.payments"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_form_that_widens_is_refused(holder: Browser, world: FakeWorld, widening: dict[str, Any]) -> None:
    """Covers: C15, check 39. Nothing is granted, the request still waits, and the page says why."""
    refused = holder.post(PAGE, data=answer(holder, "approve", **widening))
    assert refused.status_code == 400
    assert "form_changed" in refused.text
    assert world.interaction.approved == []
    assert world.interaction.answered == {}


def test_the_answer_to_another_question_is_asked_anew(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 39. The question changed while it was read: nothing of the old answer is kept."""
    form = answer(holder, "approve", line=[MERCHANT])
    world.interaction.scopes["h-budget"] = ("bank.transactions",)
    again = holder.post(PAGE, data=form)
    assert again.status_code == 409
    assert " checked" not in re.sub(r'value="90"[^>]*checked', "", again.text)
    assert world.interaction.approved == []


def test_a_missing_choice_is_said_at_its_place_and_the_rest_stays(holder: Browser, world: FakeWorld) -> None:
    """Covers: C6. What was entered stays; the sentence is tied to its group."""
    form = answer(holder, "approve", line=[MERCHANT], days="30")
    del form[RESOURCE]
    again = holder.post(PAGE, data=form)
    assert again.status_code == 422
    assert 'aria-describedby="wrong-1"' in again.text
    assert "Pick at least one account, or choose “Don’t allow”." in again.text
    assert re.search(rf'value="{re.escape(MERCHANT)}"[^>]* checked', again.text)
    assert re.search(r'value="30"[^>]* checked', again.text)
    assert world.interaction.approved == []


TRANSACTIONS = "bank.transactions.read.budgeting"


def test_special_data_waits_for_its_own_yes(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 50. An own box that nothing ticks, its sentence at its place, what was entered stays; no script."""
    world.interaction.catalog = sensitive("bank.transactions")
    page = holder.get(PAGE).text
    assert re.search(rf'name="explicit" value="{TRANSACTIONS}" id="[^"]+" aria-describedby', page)
    assert "Specially protected data" in page
    assert words.EXPLICIT_NOTE in page
    form = answer(holder, "approve", line=[MERCHANT])
    again = holder.post(PAGE, data=form)
    assert again.status_code == 422
    assert "Tick this to share transactions, or choose “Don’t allow”." in again.text
    assert f'aria-describedby="explicit-{TRANSACTIONS}-wrong explicit-note"' in again.text
    assert re.search(rf'value="{re.escape(MERCHANT)}"[^>]* checked', again.text)
    assert world.interaction.approved == []
    assert holder.post(PAGE, data={**form, "explicit": [TRANSACTIONS]}).status_code == 303
    (agreed,) = world.interaction.approved
    assert {item.datatype: bool(item.explicit) for item in agreed.items} == {"transactions": True}


def test_the_same_page_without_special_data_asks_for_no_such_yes(holder: Browser, world: FakeWorld) -> None:
    """And a form that says it nevertheless is refused (C15)."""
    assert 'name="explicit"' not in holder.get(PAGE).text
    refused = holder.post(PAGE, data=answer(holder, "approve", explicit=[TRANSACTIONS]))
    assert (refused.status_code, world.interaction.approved) == (400, [])


@pytest.mark.parametrize("do", [None, "", "update", "else"])
def test_whatever_is_not_an_answer_is_an_update(holder: Browser, world: FakeWorld, do: str | None) -> None:
    """Covers: C13."""
    form = answer(holder, do or "")
    if do is None:
        del form["do"]
    assert holder.post(PAGE, data=form).status_code == 200
    assert (world.interaction.approved, world.interaction.answered) == ([], {})


@pytest.mark.parametrize("do", ["approve", "refuse", "update"])
def test_an_answer_needs_the_token_of_its_session_and_request(holder: Browser, world: FakeWorld, do: str) -> None:
    """Covers: C16, check 38."""
    good = answer(holder, do)
    other_request = holder.token("/consent/h-loan")
    holder.cookies.set("grantline", world.identity.begin().secret)
    foreign = {"": "", "absent": None, "other request": other_request, "other session": good["csrf"]}
    for csrf in foreign.values():
        form = {**good, "csrf": csrf} if csrf is not None else {k: v for k, v in good.items() if k != "csrf"}
        refused = holder.post(PAGE, data=form)
        assert refused.status_code == 403
        assert "form_expired" in refused.text
    assert (world.interaction.approved, world.interaction.answered) == ([], {})


def test_a_post_from_another_site_is_refused(holder: Browser, world: FakeWorld) -> None:
    """Covers: C16. Also with a right token."""
    form = answer(holder, "refuse")
    refused = holder.post(PAGE, data=form, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert world.interaction.answered == {}


def test_a_second_tab_does_not_touch_the_first(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 40."""
    first = answer(holder, "approve")
    second = answer(holder, "refuse", page="/consent/h-loan")
    assert holder.post("/consent/h-loan", data=second).status_code == 303
    assert holder.post(PAGE, data=first).headers["location"].startswith("https://app.budget.example/")


def test_an_answered_request_says_what_was_answered(holder: Browser) -> None:
    """Covers: C16. Single use."""
    form = answer(holder, "approve")
    holder.post(PAGE, data=form)
    for again in (holder.get(PAGE), holder.post(PAGE, data=form)):
        assert again.status_code == 409
        assert "You allowed <b><bdi>Budget app</bdi></b>" in again.text


def test_an_unknown_request_is_over(holder: Browser) -> None:
    """A guessed handle tells nothing."""
    assert holder.get("/consent/nope").status_code == 404


def test_only_the_clients_own_address_may_follow_the_form(holder: Browser) -> None:
    """Covers: check 49. form-action names that origin and nothing else; no frame, no foreign content."""
    policy = holder.get(PAGE).headers["content-security-policy"]
    assert "form-action 'self' https://app.budget.example;" in policy
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_screen_follows_the_catalog(holder: Browser, world: FakeWorld) -> None:
    """Covers: C17. A field and a purpose renamed in the catalog alone are renamed on the screen."""
    raw = msgspec.to_builtins(world.catalog.file)
    raw["apis"]["bank"]["data"]["transactions"]["fields"]["merchant"]["label"] = "name of the shop"
    raw["purposes"]["budgeting"]["label"] = "keeping a household book"
    world.interaction.catalog = build_catalog(raw)
    text = holder.get(PAGE).text
    assert "<b>name of the shop</b> of transactions" in text
    assert "Because: <b>keeping a household book</b>." in text
    assert "merchant name" not in text
    assert "budgeting</b>" not in text


def test_a_name_with_markup_or_marks_stays_a_name(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 43, check 44."""
    world.interaction.clients["h-budget"] = replace(card(), name='<img src=x onerror="1">\u202e"App')
    text = holder.get(PAGE).text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "&lt;img src=x onerror=&#34;1&#34;&gt;&#34;App asks to use your data" in text


def test_unchecked_apps_are_called_so(holder: Browser) -> None:
    """Covers: C1, check 48. No letter of its own choice, a warning, its host."""
    text = holder.get("/consent/h-loan").text
    assert "We do not know who runs this app" in text
    assert "Not checked by Example Bank" in text
    assert 'class="mark unknown" aria-hidden="true">?<' in text
    assert "Not stated" in text


def test_an_app_on_this_computer_is_called_so(holder: Browser) -> None:
    """Covers: C1, check 47."""
    text = holder.get("/consent/h-local").text
    assert "It answers on this computer" in text
    assert "127.0.0.1:8400" in text


def test_a_name_of_several_alphabets_is_flagged_and_its_host_shown(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 45."""
    asked = card()
    world.interaction.clients["h-budget"] = replace(asked, name="Ex\u0430mple Bank")
    text = holder.get(PAGE).text
    assert "This name could pass for another" in text
    assert text.index(asked.host) < text.index('id="consent-deny"')
    world.interaction.clients["h-budget"] = replace(asked, name="Example Bank")
    assert "This name could pass for another" not in holder.get(PAGE).text


def test_an_unchecked_app_on_this_computer_is_warned_of_as_both(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 47, check 48."""
    local = replace(card(), tier="self_registered", verified_by=None, redirect_host="127.0.0.1")
    world.interaction.clients["h-budget"] = local
    text = holder.get(PAGE).text
    assert "We do not know who runs this app" in text
    assert "It answers on this computer" in text


def test_no_picture_of_a_client_is_loaded_by_the_browser(holder: Browser) -> None:
    """Covers: check 46. A client's logo is not shown at all, so nobody's address is told and no SVG runs."""
    answer = holder.get(PAGE)
    assert "<img" not in answer.text
    assert "<svg" not in answer.text or "onload" not in answer.text
    assert "img-src 'self'" in answer.headers["content-security-policy"]


def test_lengths_say_their_end_and_lookback_its_day(holder: Browser) -> None:
    """Covers: C7."""
    text = holder.get(PAGE).text.replace("\u00a0", " ")
    assert re.findall(r"ends <time[^>]*>([^<]*)<", text) == ["14 Dec 2026", "12 Feb 2027", "13 May 2027", "14 Nov 2027"]
    assert len(re.findall(r'type="radio"[^>]*checked', text)) == 1
    assert "It may look back to" in text
    assert "(180 days), no further." in text


def test_before_the_buttons_stand_the_rights_and_the_way_out(holder: Browser) -> None:
    """Covers: C2, C9."""
    text = holder.get(PAGE).text
    for wanted in ("Stop any time", "Where to complain", "How long it is kept", "Where it is stored", "Account holder"):
        assert 0 < text.index(wanted) < text.index('id="consent-deny"')
    assert PurposeId("budgeting") in text


@pytest.mark.parametrize("do", ["approve", "refuse", "update"])
def test_a_sign_in_that_is_not_fresh_enough_is_asked_for_again(
    holder: Browser, world: FakeWorld, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    """Covers: check 16. The person comes back to the question, and nothing was answered."""
    form = answer(holder, do)

    async def stale(*_: object, **__: object) -> None:
        raise LoginRequired("Sign in again to go on.")

    for act in ("arrive", "question", "approve", "refuse"):
        monkeypatch.setattr(world.interaction, act, stale)
    for answered in (holder.get(PAGE), holder.post(PAGE, data=form)):
        assert (answered.status_code, answered.headers["location"]) == (303, "/sign-in?next=%2Fconsent%2Fh-budget")


def test_an_answer_that_lost_a_race_says_that_it_is_over(
    holder: Browser, world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: C16. Two tabs, one answer."""

    async def taken(*_: object, **__: object) -> None:
        raise Conflict("This request was answered before.")

    form = answer(holder, "refuse")
    monkeypatch.setattr(world.interaction, "refuse", taken)
    late = holder.post(PAGE, data=form)
    assert late.status_code == 404
    assert "This request is over" in late.text
