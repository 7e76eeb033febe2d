"""Adding a passkey: named by its person, made by their device, kept once the device has answered."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Session
from grantline.model.errors import Conflict, InvalidRequest
from grantline.ui.kit import form_token, read_form, require_token
from grantline.ui.portal.arrival import visit
from grantline.ui.portal.passkey_sign_in import options_answer
from grantline.ui.portal.security_codes import gained
from grantline.ui.portal.site import Site, for_recent

PAGE = "/security"


@for_recent
async def show_new_passkey(site: Site, _: Request, session: Session) -> Response:
    """`GET /security/passkey`."""
    return _page(site, session)


@for_recent
async def options(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/passkey/options`: what the device is to make."""
    form = await read_form(request)
    require_token(form, session.csrf, "new-passkey")
    return options_answer(await site.services.passkeys.ask_to_add(session))


@for_recent
async def add_passkey(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/passkey`."""
    form = await read_form(request)
    form.only("csrf", "name", "handle", "credential")
    require_token(form, session.csrf, "new-passkey")
    try:
        raised = await site.services.passkeys.add(
            session, form.one("handle"), form.one("credential"), form.one("name"), visit(site, request)
        )
    except (InvalidRequest, Conflict) as error:
        return _page(site, session, name=form.one("name"), wrong=error.message, status=422)
    return await gained(site, raised)


def _page(site: Site, session: Session, *, name: str = "", wrong: str = "", status: int = 200) -> Response:
    return site.pages.answer(
        "portal/passkey.html",
        status=status,
        passkeys=True,
        frame=site.frame(session, PAGE),
        token=form_token(session.csrf, "new-passkey"),
        name=name,
        wrong=wrong,
    )
