"""Sign-in and sessions: what leads in, what is asked besides, and where one is signed in (check 58)."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Session, TooMany, Wrong
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.ui.kit import BadForm, form_token, read_form, require_token
from grantline.ui.portal.arrival import browser, named, refusal_of, visit
from grantline.ui.portal.site import Site, for_person, for_recent, see_other
from grantline.ui.portal.views.security import removal_of, security_view

PAGE = "/security"
WRONG_PASSWORD = "The current password is not right."  # noqa: S105


@for_person
async def show_security(site: Site, _: Request, session: Session) -> Response:
    """`GET /security`."""
    methods = await site.services.methods.of(session.person)
    sessions = await site.services.sessions.of(session.person)
    view = security_view(methods, sessions, session, site.services.providers.all(), site.formats())
    return site.pages.answer(
        "portal/security.html",
        frame=site.frame(session, PAGE),
        v=view,
        token=form_token(session.csrf, "sessions"),
        link_token=form_token(session.csrf, "link"),
        totp_token=form_token(session.csrf, "totp"),
    )


@for_person
async def end_sessions(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/sessions`: end one of them, or all others. Needs nothing but being signed in."""
    form = await read_form(request)
    form.only("csrf", "session")
    require_token(form, session.csrf, "sessions")
    which = form.one("session")
    if which == "others":
        await site.services.sessions.end_others(session)
    elif which != session.id:
        await site.services.sessions.end_one(session.person, which)
    return see_other(f"{PAGE}#sessions")


@for_recent
async def show_password(site: Site, _: Request, session: Session) -> Response:
    """`GET /security/password`."""
    return await _password_page(site, session)


@for_recent
async def change_password(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/password`: every other session ends with the old one."""
    form = await read_form(request)
    form.only("csrf", "username", "current", "password")
    require_token(form, session.csrf, "password")
    try:
        outcome = await site.services.methods.change_password(
            session, form.one("current"), form.one("password"), visit(site, request)
        )
    except (InvalidRequest, Conflict) as error:
        return await _password_page(site, session, wrong=error.message, status=422)
    if isinstance(outcome, (Wrong, TooMany)):
        words, status = refusal_of(outcome, WRONG_PASSWORD)
        return await _password_page(site, session, wrong=words, status=status)
    answer = see_other(PAGE)
    site.cookies.put(answer, site.cookies.session, outcome.secret)
    return answer


@for_recent
async def ask_remove(site: Site, request: Request, session: Session) -> Response:
    """`GET /security/remove/{kind}/{id}`: what it means, and two equal ways on."""
    return await _removal_page(site, request, session)


@for_recent
async def remove(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/remove/{kind}/{id}`: never the last way in."""
    form = await read_form(request)
    kind, id, methods = request.path_params["kind"], request.path_params["id"], site.services.methods
    require_token(form, session.csrf, f"remove:{kind}:{id}")
    try:
        if kind == "passkey":
            await methods.remove_passkey(session, id)
        elif kind == "link":
            await methods.remove_link(session, _issuer(site, id))
        else:
            await methods.remove_totp(session)
    except Conflict as error:
        return await _removal_page(site, request, session, wrong=error.message, status=409)
    return see_other(PAGE)


@for_recent
async def link(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/links`: the page that leads to the other provider, for the person who is signed in here."""
    form = await read_form(request)
    form.only("csrf", "provider")
    require_token(form, session.csrf, "link")
    known = next((one for one in site.services.providers.all() if one.name == form.one("provider")), None)
    if known is None:
        raise BadForm("form_changed", "no such provider")
    secret, fresh = browser(site, request)
    address = await site.services.providers.leave(known.name, secret, onward=PAGE, link=session)
    answer = site.pages.answer("portal/link.html", frame=site.frame(session, PAGE), title=known.title, address=address)
    return named(site, answer, secret, fresh)


def _issuer(site: Site, name: str) -> str:
    """The issuer of a provider of the settings; a link to one that is gone is named by its issuer's host."""
    return next((one.issuer for one in site.services.providers.all() if one.name == name), name)


async def _removal_page(
    site: Site, request: Request, session: Session, *, wrong: str = "", status: int = 200
) -> Response:
    kind, id = request.path_params["kind"], request.path_params["id"]
    methods = await site.services.methods.of(session.person)
    view = removal_of(kind, id, methods, site.services.providers.all())
    if view is None:
        raise NotFound("There is nothing to remove.")
    return site.pages.answer(
        "portal/remove.html",
        status=status,
        frame=site.frame(session, PAGE),
        v=view,
        token=form_token(session.csrf, f"remove:{kind}:{id}"),
        wrong=wrong,
    )


async def _password_page(site: Site, session: Session, *, wrong: str = "", status: int = 200) -> Response:
    methods = await site.services.methods.of(session.person)
    return site.pages.answer(
        "portal/password.html",
        status=status,
        frame=site.frame(session, PAGE),
        token=form_token(session.csrf, "password"),
        username=session.username,
        has_one=methods.password,
        wrong=wrong,
    )
