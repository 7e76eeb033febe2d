"""Sign-in, sign-out, the first password."""

import pytest

from tests.browser.fakes import FakeWorld
from tests.flows.ui.conftest import Browser

RIGHT = {"username": "holder", "password": "a long enough password"}


def test_signing_in_gives_a_new_session_and_ends_the_old(visitor: Browser, world: FakeWorld) -> None:
    """Covers: check 35."""
    old = world.identity.begin().secret
    visitor.cookies.set("grantline", old)
    form = {"csrf": visitor.token("/sign-in"), **RIGHT}
    answer = visitor.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    new = answer.cookies["grantline"]
    assert new != old
    assert old not in world.identity.sessions
    assert new in world.identity.sessions


def test_who_waits_and_where_the_answer_goes_is_said_first(visitor: Browser) -> None:
    """Covers: R5."""
    text = visitor.get("/sign-in?next=/consent/h-budget").text
    assert "<bdi>Budget app</bdi> is waiting for your answer. Signing in shares nothing." in text
    assert "app.budget.example" in text
    assert 'name="username" value=""' in text
    assert 'id="login-submit">Sign in</button>' in text


def test_after_signing_in_one_comes_back_to_the_page(visitor: Browser) -> None:
    """The question, not home."""
    first = visitor.get("/consent/h-budget")
    assert (first.status_code, first.headers["location"]) == (303, "/sign-in?next=%2Fconsent%2Fh-budget")
    fields = visitor.hidden(first.headers["location"])
    assert visitor.post("/sign-in", data={**fields, **RIGHT}).headers["location"] == "/consent/h-budget"


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/consent/../sign-out", "/consent/h?x=1",
        "javascript:1", "/%2f/evil", "/connections/a/b/c/d",
    ],
)  # fmt: skip
def test_nobody_is_led_away_after_signing_in(visitor: Browser, onward: str) -> None:
    """Only a page of ours, else home."""
    form = {"csrf": visitor.token("/sign-in"), "next": onward, **RIGHT}
    assert visitor.post("/sign-in", data=form).headers["location"] == "/"
    assert onward not in visitor.get("/sign-in", params={"next": onward}).text


def test_an_unknown_name_and_a_wrong_password_read_the_same(visitor: Browser) -> None:
    """Covers: check 54. What was entered as a name stays, the password never."""
    texts = []
    for username, password in (("holder", "wrong"), ("nobody", "wrong")):
        form = {"csrf": visitor.token("/sign-in"), "username": username, "password": password}
        answer = visitor.post("/sign-in", data=form)
        assert answer.status_code == 401
        assert 'value="wrong"' not in answer.text
        texts.append(answer.text.replace(username, "X"))
    assert texts[0] == texts[1]


def test_too_many_tries_say_when_to_come_back(visitor: Browser, world: FakeWorld) -> None:
    """Covers: check 53."""
    world.identity.wait = 30
    answer = visitor.post("/sign-in", data={"csrf": visitor.token("/sign-in"), **RIGHT})
    assert answer.status_code == 429
    assert "Try again in 30.0\u00a0s." in answer.text


def test_the_sign_in_form_is_bound_to_its_browser(visitor: Browser, world: FakeWorld) -> None:
    """Covers: check 37. Another browser's token signs nobody in."""
    token = visitor.token("/sign-in")
    visitor.cookies.clear()
    assert visitor.post("/sign-in", data={"csrf": token, **RIGHT}).status_code == 403
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", data={"csrf": token, **RIGHT}).status_code == 403
    assert world.identity.sessions == {}


def test_signing_out_ends_the_session_on_the_server(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 59. A link or a foreign form does not."""
    assert holder.get("/sign-out").status_code == 405
    assert holder.post("/sign-out", data={"csrf": "x"}).status_code == 403
    assert len(world.identity.sessions) == 1
    answer = holder.post("/sign-out", data={"csrf": holder.token("/")})
    assert answer.headers["location"] == "/sign-in"
    assert 'grantline=""' in answer.headers["set-cookie"]
    assert world.identity.sessions == {}


def test_a_link_sets_the_first_password_once(visitor: Browser, world: FakeWorld) -> None:
    """Covers: check 55. Looking, or a weak password, does not use it up."""
    page = "/enrol/link-1"
    token = visitor.token(page)
    assert "<bdi>Account holder</bdi>" in visitor.get(page).text
    weak = visitor.post(page, data={"csrf": token, "username": "holder", "password": "short"})
    assert (weak.status_code, "Use 12 to 256 characters." in weak.text) == (422, True)
    good = visitor.post(page, data={"csrf": token, "username": "holder", "password": "a long enough password"})
    assert good.status_code == 303
    assert good.cookies["grantline"] in world.identity.sessions
    assert visitor.get(page).status_code == 404


def test_a_link_for_the_first_operator_asks_for_a_name(visitor: Browser, world: FakeWorld) -> None:
    """Nobody is there yet to be named."""
    world.identity.links["link-0"] = None
    text = visitor.get("/enrol/link-0").text
    assert "the first operator" in text
    assert "readonly" not in text
