"""Signing in step by step, over the whole composition and without JavaScript."""

import re

from tests.flows.identity.conftest import Person
from tests.instance_world import Instance
from tests.postgres_server import on_both

OPEN_TO_THE_SIGNED_IN = ("/", "/connections", "/security", "/security/password", "/security/recovery", "/check")


async def test_no_address_leads_past_the_second_step(here: Instance, person: Person) -> None:
    """Covers: check 56."""
    await person.adds_app()
    thief = Person(here)
    begun = await thief.password("/sign-in?next=/connections")
    assert begun.headers["location"] == "/sign-in/second?next=%2Fconnections"
    assert "grantline" not in thief.browser.http.cookies
    for path in OPEN_TO_THE_SIGNED_IN:
        answer = await thief.browser.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next="), path
    step = thief.browser.http.cookies["grantline-step"]
    thief.browser.http.cookies.set("grantline", step)
    assert (await thief.browser.get("/connections")).status_code == 303


async def test_the_second_step_without_the_first_is_no_page(here: Instance) -> None:
    """Covers: check 56."""
    stranger = Person(here)
    answer = await stranger.browser.get("/sign-in/second?next=/connections")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fconnections")
    for path in ("/sign-in/second", "/sign-in/second/passkey", "/sign-in/second/passkey/options"):
        answer = await stranger.browser.post(path, {"csrf": "x"})
        assert answer.status_code == (303 if path == "/sign-in/second" else 403), path


@on_both("here")
async def test_the_right_code_leads_on_to_where_one_was_going(here: Instance, person: Person) -> None:
    """Covers: check 35. Each step gives the browser another secret."""
    await person.adds_app()
    other = Person(here, secret=person.secret)
    location = (await other.password("/sign-in?next=/connections")).headers["location"]
    step = other.browser.http.cookies["grantline-step"]
    wrong = await other.types(location, "000000")
    assert wrong.status_code == 401
    assert "This code is not right, or it was used before." in wrong.text
    done = await other.types(location, other.code())
    assert (done.status_code, done.headers["location"]) == (303, "/connections")
    assert other.browser.http.cookies["grantline"] != step
    assert (await other.browser.get("/connections")).status_code == 200


async def test_a_form_of_the_second_step_belongs_to_its_browser(here: Instance, person: Person) -> None:
    """Covers: check 37."""
    await person.adds_app()
    first, second = Person(here, secret=person.secret), Person(here, secret=person.secret)
    at = (await first.password()).headers["location"]
    await second.password()
    fields = await first.fields(at, 'name="code"')
    answer = await second.browser.post("/sign-in/second", {**fields, "code": second.code()})
    assert answer.status_code == 403


@on_both("here")
async def test_stepping_up_gives_a_new_time_and_level(here: Instance, person: Person) -> None:
    """Covers: check 57."""
    adding = Person(here)
    await adding.password()
    await adding.adds_app()
    person.secret = adding.secret
    sessions = here.composed.server.session
    before = await sessions(f"grantline={person.browser.http.cookies['grantline']}")
    assert before is not None
    assert before.acr == "urn:grantline:acr:password"
    mfa = "urn:grantline:acr:mfa"
    page = f"/sign-in?next=/connections&acr={mfa}"
    assert "Your password is fresh. The second step is enough." in (await person.browser.get(page)).text
    begun = await person.browser.post("/sign-in/again", await person.fields(page, "go-on"))
    raised = await person.types(begun.headers["location"], person.code())
    assert raised.headers["location"] == "/connections"
    after = await sessions(f"grantline={person.browser.http.cookies['grantline']}")
    assert after is not None
    assert (after.acr, after.amr) == (mfa, ("pwd", "otp", "mfa"))
    assert after.auth_time > before.auth_time
    assert after.id != before.id


async def test_who_lacks_what_is_asked_is_told_so(person: Person) -> None:
    """Nobody goes round in circles without knowing why."""
    two = await person.browser.get("/sign-in?acr=urn:grantline:acr:mfa")
    assert "It takes two steps, and you have only a password." in two.text
    key = await person.browser.get("/sign-in?acr=phr")
    assert "It takes a passkey, and you have none." in key.text


@on_both("here")
async def test_recovery_codes_are_shown_once_and_let_in_once(here: Instance, person: Person) -> None:
    await person.adds_app()
    made = await person.browser.post("/security/recovery", await person.fields("/security/recovery", "make-codes"))
    codes = re.findall(r'<bdi dir="ltr">([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</bdi>', made.text)
    assert len(codes) == 10
    assert made.headers["cache-control"] == "no-store"
    again = (await person.browser.get("/security/recovery")).text
    assert not [code for code in codes if code in again]
    other = Person(here)
    at = (await other.password()).headers["location"]
    assert (await other.types(at, codes[0])).headers["location"] == "/"
    at = (await Person(here).password()).headers["location"]
    assert "9 of 10 left" in (await other.browser.get("/security")).text


async def test_a_mistyped_first_code_keeps_the_same_picture(person: Person) -> None:
    text = (await person.browser.get("/security/totp")).text
    hidden = dict(re.findall(r'name="(csrf|handle)" value="([^"]+)"', text.partition("2. Type")[2]))
    answer = await person.browser.post("/security/totp", {**hidden, "code": "000000"})
    assert answer.status_code == 422
    drawn = re.compile(r'class="qr-dark" d="([^"]+)"')
    assert drawn.findall(answer.text) == drawn.findall(text) != []
    assert "Off" in (await person.browser.get("/security")).text


@on_both("here")
async def test_sessions_are_ended_from_the_page_in_two_actions(here: Instance, person: Person) -> None:
    """Covers: check 58. Open the page, press End."""
    phone = Person(here)
    phone.browser.http.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/605.1"
    await phone.password()
    page = (await person.browser.get("/security")).text
    assert "Safari on iPhone" in page
    assert "Mozilla" not in page
    ended = await person.browser.post("/security/sessions", await person.fields("/security", "Safari on iPhone"))
    assert (ended.status_code, ended.headers["location"]) == (303, "/security#sessions")
    assert (await phone.browser.get("/security")).status_code == 303
    assert (await person.browser.get("/security")).status_code == 200


async def test_a_session_of_somebody_else_is_not_ended_by_its_name(here: Instance, person: Person) -> None:
    phone = Person(here)
    await phone.password()
    fields = await person.fields("/security", "halt")
    current = await here.composed.server.session(f"grantline={phone.browser.http.cookies['grantline']}")
    assert current is not None
    forged = await person.browser.post("/security/sessions", {"csrf": "x" * 22, "session": current.id})
    assert forged.status_code == 403
    await person.browser.post("/security/sessions", {**fields, "session": "0" * 64})
    assert (await phone.browser.get("/security")).status_code == 200


@on_both("here")
async def test_changing_the_password_ends_other_browsers_and_keeps_this_one(here: Instance, person: Person) -> None:
    phone = Person(here)
    await phone.password()
    fields = await person.fields("/security/password", 'name="current"')
    new = {"current": "a long enough password", "password": "another long password"}
    wrong = await person.browser.post("/security/password", {**fields, **new, "current": "wrong"})
    assert wrong.status_code == 401
    done = await person.browser.post("/security/password", {**fields, **new})
    assert (done.status_code, done.headers["location"]) == (303, "/security")
    assert (await person.browser.get("/security")).status_code == 200
    assert (await phone.browser.get("/security")).status_code == 303
    assert (await Person(here).password(password="another long password")).status_code == 303
    assert (await Person(here).password()).status_code == 401


async def test_changes_take_a_recent_sign_in(here: Instance, person: Person) -> None:
    here.clock.pass_seconds(601)
    for path in ("/security/password", "/security/totp", "/security/passkey", "/security/remove/totp/app"):
        answer = await person.browser.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next=%2Fsecurity"), path
    assert (await person.browser.get("/security")).status_code == 200
    assert "Sign in again" in (await person.browser.get("/sign-in?next=/security")).text


async def test_removing_the_app_takes_two_equal_buttons_and_is_done(person: Person) -> None:
    await person.adds_app()
    page = "/security/remove/totp/app"
    text = (await person.browser.get(page)).text
    assert re.search(r'Keep it</a><button class="btn halt tall"', text)
    done = await person.browser.post(page, await person.fields(page, "remove-now"))
    assert done.headers["location"] == "/security"
    assert (await person.browser.get(page)).status_code == 404
