"""Sign in with a name and a password, sign in again."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Session, TooMany, Wrong, satisfies
from grantline.model.errors import NotFound
from grantline.ui.kit import form_token, read_form, require_token
from grantline.ui.portal.arrival import WRONG, Way, arrived, browser, named, refusal_of, visit
from grantline.ui.portal.site import Site, see_other
from grantline.ui.portal.views.words import plain

CONSENT_PAGE = re.compile(r"/consent/([A-Za-z0-9_~-]{1,128})")


@dataclass(frozen=True, slots=True)
class WaitingView:
    """Who waits for the answer that the sign-in leads to, where it will be sent, and whom the client expects."""

    name: str
    back_to: str
    login_hint: str = ""


async def show_sign_in(site: Site, request: Request) -> Response:
    """`GET /sign-in`."""
    return await sign_in_page(site, request, Way.of_query(request))


async def sign_in(site: Site, request: Request) -> Response:
    """`POST /sign-in`: the same answer for an unknown name and a wrong password (check 54)."""
    form = await read_form(request)
    form.only("csrf", "next", "acr", "username", "password")
    require_token(form, site.cookies.read(request, site.cookies.browser), "sign-in")
    way, username = Way.of_form(form), form.one("username")
    outcome = await site.services.sign_in.password(username, form.one("password"), visit(site, request))
    if isinstance(outcome, (Wrong, TooMany)):
        words, status = refusal_of(outcome, WRONG)
        return await sign_in_page(site, request, way, username=username, wrong=words, status=status)
    return arrived(site, outcome, way)


async def go_on(site: Site, request: Request) -> Response:
    """`POST /sign-in/again`: a session whose password is fresh goes straight to the second step."""
    form = await read_form(request)
    session = await site.session(request)
    way = Way.of_form(form)
    if session is None:
        return see_other(way.at("/sign-in"))
    require_token(form, session.csrf, "sign-in-again")
    begun = await site.services.sign_in.again(session)
    return see_other(way.at("/sign-in")) if begun is None else arrived(site, begun, way)


async def sign_in_page(
    site: Site, request: Request, way: Way, *, username: str = "", wrong: str = "", status: int = 200
) -> Response:
    """The page with all first steps. Somebody who is signed in is told what is missing."""
    secret, fresh = browser(site, request)
    session = await site.session(request)
    waiting = await _waiting(site, way.onward)
    hint = waiting.login_hint if waiting else ""
    answer = site.pages.answer(
        "portal/sign_in.html",
        status=status,
        passkeys=True,
        token=form_token(secret, "sign-in"),
        passkey_token=form_token(secret, "passkey"),
        way=way,
        providers=[(one.title, way.at(f"/sign-in/with/{one.name}")) for one in site.services.providers.all()],
        waiting=waiting,
        again=None if session is None else await _again(site, session, way),
        username=username or hint or (session.username if session else ""),
        wrong=wrong,
    )
    return named(site, answer, secret, fresh)


@dataclass(frozen=True, slots=True)
class AgainView:
    """Somebody is signed in already. `token`: of the form that goes on to the second step, if that is all it takes."""

    name: str
    token: str
    lacks: str


async def _again(site: Site, session: Session, way: Way) -> AgainView:
    methods = await site.services.methods.of(session.person)
    enough = satisfies(session, way.acr, None, session.auth_time)
    lacks = ""
    if not enough and way.takes_passkey and not methods.passkeys:
        lacks = "passkey"
    elif not enough and not methods.second_factor:
        lacks = "second"
    goes_on = await site.services.sign_in.may_go_on(session)
    return AgainView(plain(session.name), form_token(session.csrf, "sign-in-again") if goes_on else "", lacks)


async def _waiting(site: Site, onward: str) -> WaitingView | None:
    asked = CONSENT_PAGE.fullmatch(onward)
    if asked is None:
        return None
    try:
        waiting = await site.services.interaction.open(asked[1])
    except NotFound:
        return None
    return WaitingView(plain(waiting.client.name), waiting.client.redirect_host, _hint(waiting.login_hint))


def _hint(told: str) -> str:
    """The user name that the client expects, as a suggestion; nothing where it expects nobody."""
    return plain(told)[:128] if told else ""
