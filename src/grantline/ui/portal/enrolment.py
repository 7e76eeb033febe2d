"""A password by a one-time link, the first or a new one."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import PersonRow
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.ui.kit import form_token, read_form, require_token
from grantline.ui.portal.arrival import Way, arrived, browser, named, visit
from grantline.ui.portal.site import Site


async def show_enrolment(site: Site, request: Request) -> Response:
    """`GET /enrol/{token}`: looking does not use the link up."""
    try:
        person = await site.services.enrolment.waiting(request.path_params["token"])
    except NotFound as error:
        return site.error("link_over", detail=error.detail)
    return _enrol_page(site, request, person)


async def enrol(site: Site, request: Request) -> Response:
    """`POST /enrol/{token}`: the link is used up together with the new password. A second factor stays due."""
    form = await read_form(request)
    form.only("csrf", "username", "password")
    token, services = request.path_params["token"], site.services
    require_token(form, site.cookies.read(request, site.cookies.browser), f"enrol:{token}")
    try:
        person = await services.enrolment.waiting(token)
        outcome = await services.enrolment.complete(
            token, form.one("username"), form.one("password"), visit(site, request)
        )
    except NotFound as error:
        return site.error("link_over", detail=error.detail)
    except (InvalidRequest, Conflict) as error:
        return _enrol_page(site, request, person, username=form.one("username"), wrong=error.message, status=422)
    return arrived(site, outcome, Way())


def _enrol_page(
    site: Site, request: Request, person: PersonRow | None, *, username: str = "", wrong: str = "", status: int = 200
) -> Response:
    secret, fresh = browser(site, request)
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
    return named(site, answer, secret, fresh)
