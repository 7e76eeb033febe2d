"""Sessions, forms and connections of one browser are worth nothing in another."""

import re

import pytest

from grantline.app.authority import Authority
from grantline.app.places import Places
from tests.instance_world import PASSWORD, Instance, Visitor, instance, query_of


async def waiting(house: Instance, person: Visitor, **more: str) -> str:
    """The consent page of a fresh request, seen by this person."""
    page = await person.arrive((await house.app().begin(scope="calendar.events", **more)).url)
    await person.get(page)
    return page


async def test_everything_of_another_person_is_not_there(house: Instance) -> None:
    """Covers: check 39, P2, P3. 404, not 403: that it exists is theirs to tell."""
    mine, theirs = house.visitor(), house.visitor()
    app = house.app()
    begun, url = await mine.connect(app)
    page = f"/connections/{(await app.finish(begun, url)).grant_id}"
    await theirs.sign_in("two")
    for path in (page, f"{page}/accesses", f"{page}/receipt/1", f"{page}/stop", f"{page}/stopped"):
        assert (await mine.get(path)).status_code in {200, 303, 503}
        assert (await theirs.get(path)).status_code == 404
    form = await mine.form(f"{page}/stop")
    assert (await theirs.post(f"{page}/stop", form)).status_code == 404
    assert "Nobody may act for you" in (await theirs.get("/connections")).text
    assert 'id="connection-stop"' in (await mine.get(page)).text


async def test_a_question_belongs_to_who_saw_it_first(house: Instance) -> None:
    """Covers: checks 38, 40. Another person can neither see nor answer it."""
    mine, theirs = house.visitor(), house.visitor()
    page = await waiting(house, mine)
    await theirs.sign_in("two")
    assert (await theirs.get(page)).status_code == 404
    form = await mine.form(page)
    for act in ("approve", "refuse", "update"):
        assert (await theirs.post(page, {**form, "do": act})).status_code in {403, 404}
    assert "code" in query_of((await mine.allow(page)).headers["location"])


async def test_a_form_counts_for_its_own_request_and_session(house: Instance) -> None:
    """Covers: check 38. Neither another waiting request's token nor one of an earlier session is accepted."""
    person = house.visitor()
    first, second = await waiting(house, person), await waiting(house, person)
    token = (await person.form(first))["csrf"]
    form = {**await person.form(second), "do": "approve"}
    assert (await person.post(second, {**form, "csrf": token})).status_code == 403
    await person.sign_in("one")
    assert (await person.post(second, form)).status_code == 403
    assert "code" in query_of((await person.allow(second)).headers["location"])
    # The same question by the same app has its answer by now.
    assert "code" in query_of((await person.get(first)).headers["location"])


async def test_signing_in_gives_a_new_session_and_ends_the_one_before(house: Instance) -> None:
    """Covers: checks 35, 59. A session that was planted is never the one that is signed in."""
    person = house.visitor()
    person.http.cookies.set("grantline", "s_planted")
    await person.sign_in("one")
    first = person.http.cookies.get("grantline", domain="localhost.local")
    assert first != "s_planted"
    await person.sign_in("two")
    thief = house.visitor()
    thief.http.cookies.set("grantline", first)
    assert (await thief.get("/connections")).status_code == 303


async def test_a_sign_in_form_of_another_browser_is_refused(house: Instance) -> None:
    """Covers: check 37."""
    mine, theirs = house.visitor(), house.visitor()
    form = {**await mine.form("/sign-in"), "username": "one", "password": PASSWORD}
    assert (await theirs.post("/sign-in", form)).status_code == 403


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}])
async def test_a_client_that_asks_for_a_fresh_sign_in_gets_one(house: Instance, more: dict[str, str]) -> None:
    """Covers: checks 16, 17. Through the pages, also when the page is opened around the endpoint."""
    person = house.visitor()
    await person.sign_in("one")
    house.clock.pass_seconds(5)
    begun = await house.app().begin(scope="calendar.events", **more)
    answer = await person.get(begun.url.replace("http://localhost:9000", ""))
    onward = answer.headers["location"]
    assert onward.startswith("/sign-in?next=/consent/")
    page = onward.partition("next=")[2]
    assert (await person.get(page)).headers["location"].startswith("/sign-in")
    assert (await person.post(page, {"do": "approve"})).status_code in {303, 403}
    signed_in = await person.sign_in("one", onward)
    assert signed_in.headers["location"] == page
    assert "code" in query_of((await person.allow(page)).headers["location"])


@pytest.mark.parametrize(
    "extra",
    [("line", "bank.transactions.read.budgeting:required"), ("days", "3650"), ("resource:bank", "acc-1"),
     ("scope", "bank.payments"), ("days", "30"), ("offer", "x")],
)  # fmt: skip
async def test_a_form_that_holds_more_than_was_offered_agrees_to_nothing(
    house: Instance, extra: tuple[str, str]
) -> None:
    """Covers: C15, check 39. What is added, or said twice, is refused as a whole."""
    person = house.visitor()
    page = await waiting(house, person)
    fields = [*(await person.form(page)).items(), ("do", "approve"), ("days", "30"), extra]
    assert (await person.post(page, fields)).status_code == 400
    assert "Nobody may act for you" in (await person.get("/connections")).text


async def test_pages_are_posted_to_as_forms_of_this_site_and_of_bounded_size(house: Instance) -> None:
    """Covers: check 38. The method, the type, the site and the size are each refused."""
    person = house.visitor()
    page = await waiting(house, person)
    form = {**await person.form(page), "do": "approve"}
    other_site = {"sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded"}
    assert (await person.http.post(page, json=form)).status_code == 400
    assert (await person.http.post(page, data=form, headers=other_site)).status_code == 403
    assert (await person.post(page, {**form, "line": "x" * 20_000})).status_code == 400
    assert (await person.http.put(page, data=form)).status_code == 405
    assert "code" in query_of((await person.post(page, form)).headers["location"])


async def test_an_answer_counts_once(house: Instance) -> None:
    """Covers: check 63, C16. The same form again, and the opposite answer, change nothing."""
    person = house.visitor()
    page = await waiting(house, person)
    form = await person.form(page)
    assert (await person.post(page, {**form, "do": "approve"})).status_code == 303
    for act in ("approve", "refuse"):
        assert (await person.post(page, {**form, "do": act})).status_code in {404, 409}
    assert re.findall(r"All \d+", (await person.get("/connections")).text) in ([], ["All 1"])


async def test_the_first_operator_chooses_a_name_and_is_in(tmp_path) -> None:
    """Covers: check 55. The link works once and for half an hour; a wrong entry leaves it as it is."""
    async with instance(tmp_path) as house:
        link = f"/enrol/{await first_link(house.composed)}"
        browser = house.visitor()
        short = {**await browser.form(link), "username": "admin", "password": "short"}
        assert (await browser.post(link, short)).status_code == 422
        nameless = {**await browser.form(link), "username": " ", "password": PASSWORD}
        assert (await browser.post(link, nameless)).status_code == 422
        chosen = {**await browser.form(link), "username": "Admin ", "password": PASSWORD}
        assert (await house.visitor().post(link, chosen)).status_code == 403
        assert (await browser.post(link, chosen)).headers["location"] == "/"
        assert (await browser.get("/connections")).status_code == 200
        assert (await house.visitor().get(link)).status_code == 404
        again = house.visitor()
        assert (await again.sign_in("admin")).headers["location"] == "/"
        assert not Places(house.data).enrolment_link.exists()


async def first_link(composed: Authority) -> str:
    """The token that the authority leaves for an empty store."""
    token = await composed.enrolment.first_operator()
    assert token is not None
    return token


async def test_enrolling_ends_the_session_that_the_browser_had(house: Instance) -> None:
    """Covers: checks 35, 59."""
    browser = house.visitor()
    await browser.sign_in("one")
    before = browser.http.cookies.get("grantline", domain="localhost.local")
    person = await house.state.read(lambda tx: tx.people.by_username("two"))
    assert person is not None
    link = f"/enrol/{await house.composed.enrolment.link_for(person.id)}"
    done = await browser.post(link, {**await browser.form(link), "password": PASSWORD})
    assert done.status_code == 303
    thief = house.visitor()
    thief.http.cookies.set("grantline", before)
    assert (await thief.get("/connections")).status_code == 303


async def test_who_is_present_is_read_alike_wherever_the_browser_arrives(house: Instance) -> None:
    """Cookies of other programs on the same host stand beside ours; they hide nobody, and make nobody else."""
    person = house.visitor()
    await person.sign_in()
    session = person.http.cookies["grantline"]
    url = (await house.app().begin(scope="calendar.events")).url
    for cookies, present in ((f'odd[0]=";{{a b}}; grantline={session}', True), (f"xgrantline={session}", False)):
        browser = house.visitor()
        page = await browser.get("/connections", headers={"cookie": cookies})
        assert (page.status_code == 200) is present
        onward = (await browser.get(url, headers={"cookie": cookies})).headers["location"]
        assert onward.startswith("/consent/" if present else "/sign-in")
