"""A device shows a code: it is typed here, compared, and only then decided on, on the page like any other (C16)."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.authorization import Found, TooManyTries, user_codes
from grantline.identity import Session
from grantline.model.errors import NotFound
from grantline.ui.kit import duration, form_token, read_form, require_token
from grantline.ui.portal.site import Site, for_person, see_other, sign_in_first
from grantline.ui.portal.views.elsewhere import elsewhere_view
from grantline.ui.portal.views.words import plain

PAGE = "/device"
WRONG = "No device waits with this code. Look at it again: it may show a new one by now."


async def show_device(site: Site, request: Request) -> Response:
    """`GET /device`: a field for the code. The address may hold it; that fills the field and does nothing else."""
    code = user_codes.read(request.query_params.get("user_code", ""))
    filled = "" if code is None else user_codes.shown(code)
    session = await site.session(request)
    if session is None:
        return sign_in_first(f"{PAGE}/code/{filled}" if filled else PAGE)
    return _page(site, session, filled)


@for_person
async def show_filled(site: Site, request: Request, session: Session) -> Response:
    """`GET /device/code/{code}`: the same, for who had to sign in first."""
    code = user_codes.read(request.path_params["code"])
    return _page(site, session, "" if code is None else user_codes.shown(code))


@for_person
async def find_device(site: Site, request: Request, session: Session) -> Response:
    """`POST /device`: the device of a code, to be compared. Wrong ones are slowed (check 140)."""
    form = await read_form(request)
    form.only("csrf", "user_code")
    require_token(form, session.csrf, "device")
    typed, address = form.one("user_code"), request.client.host if request.client else "unknown"
    match await site.services.elsewhere.look_up(typed, session.person, address):
        case Found(handle=handle):
            return see_other(f"{PAGE}/{handle}")
        case TooManyTries(seconds=seconds):
            words = f"Too many tries. Try again in {duration(seconds * 1_000_000)}."
            return _page(site, session, typed[:64], wrong=words, status=429)
    return _page(site, session, typed[:64], wrong=WRONG, status=422)


@for_person
async def compare_device(site: Site, request: Request, session: Session) -> Response:
    """`GET /device/{handle}`: who asks, for what, from where, with which code; two equal ways on (check 141)."""
    handle = request.path_params["handle"]
    try:
        asked = await site.services.elsewhere.compare(handle)
    except NotFound as error:
        return site.error("request_gone", detail=error.detail)
    token = form_token(session.csrf, f"device:{handle}")
    view = elsewhere_view(asked, site.formats(), token)
    return site.pages.answer("portal/device_compare.html", v=view, token=token, action=f"{PAGE}/{handle}")


@for_person
async def confirm_device(site: Site, request: Request, session: Session) -> Response:
    """`POST /device/{handle}`: it is theirs; on to the question. Nothing is allowed by this."""
    handle = request.path_params["handle"]
    form = await read_form(request)
    form.only("csrf")
    require_token(form, session.csrf, f"device:{handle}")
    try:
        await site.services.elsewhere.confirm(handle, session)
    except NotFound as error:
        return site.error("request_gone", detail=error.detail)
    return see_other(f"/consent/{handle}")


def _page(site: Site, session: Session, code: str, *, wrong: str = "", status: int = 200) -> Response:
    return site.pages.answer(
        "portal/device.html",
        status=status,
        token=form_token(session.csrf, "device"),
        code=code,
        wrong=wrong,
        signed_in_as=plain(session.name),
        other_person=f"/sign-in?next={PAGE}",
    )
