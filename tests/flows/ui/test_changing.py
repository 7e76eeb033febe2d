"""The page of a request that changes what stands: what is new is marked, what stays is locked (C8)."""

import re

from tests.browser.changing import adding, replacing
from tests.browser.fakes import FakeWorld
from tests.flows.ui.conftest import Browser

PAGE = "/consent/h-budget"
BALANCE = "bank.accounts.read.budgeting:field.balance"


def text(page: str) -> str:
    """The words of a page, without its marks."""
    words = re.sub(r"<[^>]+>", " ", page).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words)


def test_an_addition_says_what_is_new_and_what_stays(holder: Browser, world: FakeWorld) -> None:
    """Covers: C8, I7."""
    adding(world)
    page = text(holder.get(PAGE).text)
    assert "Budget app asks to read more of your data" in page
    assert "New Read other party’s name and other party’s IBAN of transactions." in page
    assert "Read balance of accounts. Because: budgeting. Stays as it is Read start, end and title of events." in page
    assert "It stays as you agreed to it." in page
    assert "Without these it cannot work" not in page
    assert "What you shared before stays as it was." in page


def test_what_stays_has_no_box_and_is_agreed_to_with_the_rest(holder: Browser, world: FakeWorld) -> None:
    """Covers: C8, C15."""
    adding(world)
    page = holder.get(PAGE).text
    assert re.findall(r'name="resource:bank" value="([^"]+)"', page) == ["a-5530", "a-0937"]
    form = {**holder.hidden(PAGE), "do": "approve", "line": [BALANCE], "days": "90"}
    assert holder.post(PAGE, data=form).status_code == 303
    (agreed,) = world.interaction.approved
    held = {item.datatype: (set(item.fields), item.resources) for item in agreed.items}
    assert held["accounts"] == ({"balance"}, ("a-4821",))
    assert held["transactions"] == ({"date", "amount", "category", "merchant"}, ("a-4821",))
    assert "events" in held


def test_a_replacement_says_what_goes_and_has_the_accounts_picked(holder: Browser, world: FakeWorld) -> None:
    """Covers: C8, R7."""
    replacing(world)
    page = holder.get(PAGE).text
    assert "Goes away Read date, amount, category and merchant name of transactions." in text(page)
    assert "would take the place of all of it" in text(page)
    assert re.findall(r'value="(a-\d+)" id="[^"]+" checked', page) == ["a-4821"]
    assert not re.findall(r'name="line"[^>]* checked', page)


def test_a_first_question_speaks_of_no_change(holder: Browser) -> None:
    """Covers: C8."""
    page = text(holder.get(PAGE).text)
    assert "What would change" not in page
    assert " New " not in page
