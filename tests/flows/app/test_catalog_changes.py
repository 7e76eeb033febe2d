"""The catalog changes while questions wait and consents stand: nothing breaks, and stopping always works."""

from tests.instance_world import Instance, Visitor, query_of

CALENDAR = [(r"^\[apis\.calendar\].*?(?=^\[scopes)", ""), (r'^\[scopes\."calendar.events"\].*?(?=^\[scopes)', ""),
            (r'^\[scopes\."calendar.times"\].*\Z', "")]  # fmt: skip
"""What takes the calendar out of the catalog."""


async def connected(house: Instance) -> tuple[Visitor, str]:
    """A person with one running connection; its page."""
    person, app = house.visitor(), house.app()
    begun, url = await person.connect(app)
    return person, f"/connections/{(await app.finish(begun, url)).grant_id}"


async def test_a_connection_to_an_api_that_left_the_catalog_is_shown_and_stopped(house: Instance) -> None:
    """Covers: P2, P5, I5. What the catalog no longer has is called by its id, as the record keeps it."""
    person, page = await connected(house)
    before = (await person.get("/connections")).text
    await house.change_catalog(CALENDAR)
    assert (await person.get("/")).status_code == 200
    listed, shown = (await person.get("/connections")).text, await person.get(page)
    assert "Budget" in listed
    assert ("Active" in before, "Paused by us" in before) == (True, False)
    assert ("Active" in listed, "Paused by us" in listed) == (False, True)
    assert "We do not offer events any more: every call is refused." in shown.text
    assert (shown.status_code, "events" in shown.text) == (200, True)
    assert (await person.get(f"{page}/receipt/1")).status_code == 200
    assert (await person.get(f"{page}/accesses")).status_code in {200, 503}
    stopped = await person.post(f"{page}/stop", await person.form(f"{page}/stop"))
    assert (stopped.status_code, stopped.headers["location"]) == (303, f"{page}/stopped")
    answer = await person.get(f"{page}/stopped")
    assert answer.status_code == 200
    assert "Stopped" in answer.text


async def test_a_question_whose_subject_left_the_catalog_is_over_in_plain_words(house: Instance) -> None:
    """Covers: C15, I1. Nothing is agreed; it is no failure of ours, and the page says what to do."""
    person = house.visitor()
    page = await person.arrive((await house.app().begin(scope="calendar.events")).url)
    form = await person.form(page)
    await house.change_catalog(CALENDAR)
    for answer in (await person.get(page), await person.post(page, {**form, "do": "approve"})):
        assert answer.status_code == 400
        assert "not offered here any more" in answer.text
    assert "Nobody may act for you" in (await person.get("/connections")).text


async def test_a_question_that_the_catalog_changed_is_asked_anew(house: Instance) -> None:
    """Covers: C15, C17, I12. An answer to the old words agrees to nothing."""
    person = house.visitor()
    page = await person.arrive((await house.app().begin(scope="calendar.events")).url)
    form = await person.form(page)
    await house.change_catalog([(r'label = "budgeting"', 'label = "keeping a household book"')])
    answer = await person.post(page, {**form, "do": "approve"})
    assert (answer.status_code, "keeping a household book" in answer.text) == (409, True)
    allowed = await person.allow(page)
    assert "code" in query_of(allowed.headers["location"])


async def test_a_scope_that_left_the_catalog_does_not_take_the_others_along(house: Instance) -> None:
    """A client stays able to ask for what there still is, though its registration names more."""
    await house.change_catalog([(r'^\[scopes\."calendar.times"\].*\Z', "")])
    person, app = house.visitor(), house.app()
    _, url = await person.connect(app)
    assert "code" in query_of(url)
