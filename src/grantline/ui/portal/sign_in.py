"""Sign in, sign out, and the first password by a one-time link."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import PersonRow, Session, TooMany, Wrong
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.ui.kit import duration, form_token, read_form, require_token
from grantline.ui.portal.site import Site, see_other
from grantline.ui.portal.views.words import plain

HOME = "/"
OWN_PAGE = re.compile(r"/(?:(?:consent|connections)(?:/[A-Za-z0-9_~-]{1,128}){0,3})?")
CONSENT_PAGE = re.compile(r"/consent/([A-Za-z0-9_~-]{1,128})")
WRONG = "The user name or the password is not right."


@dataclass(frozen=True, slots=True)
class WaitingView:
    """Who waits for the answer that the sign-in leads to, and where it will be sent."""

    name: str
    back_to: str


def own_page(address: str) -> str:
    """A page of ours to go to afterwards; anything else means home, so that nobody is led away (CWE-601)."""
    return address if OWN_PAGE.fullmatch(address) else HOME


async def show_sign_in(site: Site, request: Request) -> Response:
    """`GET /sign-in`."""
    onward = own_page(request.query_params.get("next", HOME))
    return await _sign_in_page(site, request, onward)


async def sign_in(site: Site, request: Request) -> Response:
    """`POST /sign-in`: the same answer for an unknown name and a wrong password (check 54)."""
    form = await read_form(request)
    form.only("csrf", "next", "username", "password")
    require_token(form, site.cookies.read(request, site.cookies.browser), "sign-in")
    onward, username = own_page(form.one("next", HOME)), form.one("username")
    outcome = await site.services.sign_in.password(
        username, form.one("password"), _address(request), site.cookies.read(request, site.cookies.session)
    )
    match outcome:
        case Wrong():
            return await _sign_in_page(site, request, onward, username=username, wrong=WRONG, status=401)
        case TooMany(seconds=seconds):
            wait = f"Too many tries. Try again in {duration(seconds * 1_000_000)}."
            return await _sign_in_page(site, request, onward, username=username, wrong=wait, status=429)
    return _signed_in(site, outcome, onward)


async def sign_out(site: Site, request: Request) -> Response:
    """`POST /sign-out`: ends the session on the server, then in the browser (check 59)."""
    form = await read_form(request)
    session = await site.session(request)
    if session is not None:
        require_token(form, session.csrf, "sign-out")
        await site.services.sessions.end(session)
    answer = see_other("/sign-in")
    site.cookies.drop(answer, site.cookies.session)
    return answer


async def show_enrolment(site: Site, request: Request) -> Response:
    """`GET /enrol/{token}`: looking does not use the link up."""
    try:
        person = await site.services.enrolment.waiting(request.path_params["token"])
    except NotFound as error:
        return site.error("link_over", detail=error.detail)
    return _enrol_page(site, request, person)


async def enrol(site: Site, request: Request) -> Response:
    """`POST /enrol/{token}`: the link is used up together with the new password."""
    form = await read_form(request)
    form.only("csrf", "username", "password")
    token = request.path_params["token"]
    require_token(form, site.cookies.read(request, site.cookies.browser), f"enrol:{token}")
    try:
        person = await site.services.enrolment.waiting(token)
        session = await site.services.enrolment.complete(token, form.one("username"), form.one("password"))
    except NotFound as error:
        return site.error("link_over", detail=error.detail)
    except (InvalidRequest, Conflict) as error:
        return _enrol_page(site, request, person, username=form.one("username"), wrong=error.message, status=422)
    before = await site.session(request)
    if before is not None:
        await site.services.sessions.end(before)
    return _signed_in(site, session, HOME)


def _signed_in(site: Site, session: Session, onward: str) -> Response:
    answer = see_other(onward)
    site.cookies.put(answer, site.cookies.session, session.secret)
    site.cookies.drop(answer, site.cookies.browser)
    return answer


async def _sign_in_page(
    site: Site, request: Request, onward: str, *, username: str = "", wrong: str = "", status: int = 200
) -> Response:
    secret, fresh = _browser(site, request)
    answer = site.pages.answer(
        "portal/sign_in.html",
        status=status,
        token=form_token(secret, "sign-in"),
        onward=onward,
        waiting=await _waiting(site, onward),
        username=username,
        wrong=wrong,
    )
    if fresh:
        site.cookies.put(answer, site.cookies.browser, secret)
    return answer


async def _waiting(site: Site, onward: str) -> WaitingView | None:
    asked = CONSENT_PAGE.fullmatch(onward)
    if asked is None:
        return None
    try:
        waiting = await site.services.interaction.open(asked[1])
    except NotFound:
        return None
    return WaitingView(plain(waiting.client.name), waiting.client.redirect_host)


def _enrol_page(
    site: Site, request: Request, person: PersonRow | None, *, username: str = "", wrong: str = "", status: int = 200
) -> Response:
    secret, fresh = _browser(site, request)
    token = request.path_params["token"]
    answer = site.pages.answer(
        "portal/enrol.html",
        status=status,
        token=form_token(secret, f"enrol:{token}"),
        action=request.url.path,
        name=person.name if person else "",
        username=person.username if person else username,
        chooses_name=person is None,
        wrong=wrong,
    )
    if fresh:
        site.cookies.put(answer, site.cookies.browser, secret)
    return answer


def _browser(site: Site, request: Request) -> tuple[str, bool]:
    """A name for this browser, so that its form cannot be posted by another (check 37); True when it is new."""
    known = site.cookies.read(request, site.cookies.browser)
    return (known, False) if known else (site.randomness(16).hex(), True)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
