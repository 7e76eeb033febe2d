"""What waits for this person from elsewhere, and the page after such an answer."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.authorization import Way
from grantline.identity import Session
from grantline.model.errors import Conflict, LoginRequired, NotFound
from grantline.ui.kit import BadForm, form_token, read_form, require_token
from grantline.ui.portal.connections import PAGE
from grantline.ui.portal.site import Site, for_person, see_other
from grantline.ui.portal.views.elsewhere import elsewhere_view
from grantline.ui.portal.views.words import plain

WAITING = f"{PAGE}/waiting"
GO_BACK = {Way.DEVICE: "Go back to your device", Way.BACKCHANNEL: "Go back to where you were asked"}


@for_person
async def show_waiting(site: Site, _: Request, session: Session) -> Response:
    """`GET /connections/waiting`: who asks, from where, until when, the oldest first."""
    formats = site.formats()
    views = [
        elsewhere_view(one, formats, form_token(session.csrf, f"waiting:{one.handle}"))
        for one in await site.services.elsewhere.waiting(session.person)
    ]
    return site.pages.answer("portal/waiting.html", frame=site.frame(session, PAGE), requests=views)


@for_person
async def answer_waiting(site: Site, request: Request, session: Session) -> Response:
    """`POST /connections/waiting`: refuse here, or look at the question; allowing is that page's alone."""
    form = await read_form(request)
    form.only("csrf", "request", "do")
    handle = form.one("request")
    require_token(form, session.csrf, f"waiting:{handle}")
    if form.one("do") == "look":
        return see_other(f"/consent/{handle}")
    if form.one("do") != "refuse":
        raise BadForm("form_changed", "neither look nor refuse")
    try:
        return see_other((await site.services.interaction.decline(handle, session)).url)
    except (LoginRequired, Conflict):
        # Who has to sign in more strongly first, or answered it meanwhile, is told on its own page.
        return see_other(f"/consent/{handle}")
    except NotFound as error:
        return site.error("request_gone", detail=error.detail)


@for_person
async def show_answered(site: Site, request: Request, session: Session) -> Response:
    """`GET /answered/{handle}`: what was said, and that the other device goes on."""
    answered = await site.services.interaction.outcome(request.path_params["handle"], session)
    if answered is None or answered.way is None:
        return site.error("request_gone")
    allowed = answered.what == "allowed" and answered.consent is not None
    return site.pages.answer(
        "portal/answered_elsewhere.html",
        heading=GO_BACK[answered.way],
        allowed=answered.what == "allowed",
        name=plain(answered.client.name),
        at=site.formats().moment(answered.at * 1_000_000),
        onward=f"{PAGE}/{answered.consent}" if allowed else PAGE,
    )
