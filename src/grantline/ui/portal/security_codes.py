"""An app for codes, with its picture, and recovery codes: each shown once."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Session, TotpOffer, Wrong
from grantline.model.errors import Conflict, NotFound
from grantline.ui.kit import form_token, read_form, require_token
from grantline.ui.portal.arrival import WRONG_CODE, visit
from grantline.ui.portal.site import Site, for_recent, see_other
from grantline.ui.portal.views.qr import qr_of

PAGE = "/security"


@for_recent
async def show_new_totp(site: Site, _: Request, session: Session) -> Response:
    """`GET /security/totp`: the secret is made for the page, and forgotten in ten minutes."""
    try:
        offer = await site.services.methods.offer_totp(session, site.settings.operator)
    except Conflict:
        return see_other(PAGE)
    return _totp_page(site, session, offer)


@for_recent
async def add_totp(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/totp`: the first code proves that the app works. The same picture stays after a wrong one."""
    form = await read_form(request)
    form.only("csrf", "handle", "code")
    require_token(form, session.csrf, "totp")
    methods, handle = site.services.methods, form.one("handle")
    try:
        outcome = await methods.add_totp(session, handle, form.one("code"), visit(site, request))
        if not isinstance(outcome, Wrong):
            return await gained(site, outcome)
        offer = await methods.offered_totp(session, handle, site.settings.operator)
    except NotFound:
        return see_other("/security/totp")
    return _totp_page(site, session, offer, wrong=WRONG_CODE, status=422)


@for_recent
async def show_recovery(site: Site, _: Request, session: Session) -> Response:
    """`GET /security/recovery`: what they are for, and how many are left."""
    methods = await site.services.methods.of(session.person)
    if not methods.second_factor:
        return see_other(PAGE)
    return site.pages.answer(
        "portal/recovery.html",
        frame=site.frame(session, PAGE),
        token=form_token(session.csrf, "recovery"),
        left=methods.recovery,
        codes=(),
    )


@for_recent
async def make_recovery(site: Site, request: Request, session: Session) -> Response:
    """`POST /security/recovery`: ten new ones. The answer to this post is the only place where they stand."""
    form = await read_form(request)
    require_token(form, session.csrf, "recovery")
    codes = await site.services.methods.new_recovery_codes(session)
    return site.pages.answer(
        "portal/recovery.html",
        frame=site.frame(session, PAGE),
        token=form_token(session.csrf, "recovery"),
        left=len(codes),
        codes=codes,
    )


async def gained(site: Site, session: Session) -> Response:
    """After a new second factor, with the session that counts it: to recovery codes, where there are none yet."""
    lacks = (await site.services.methods.of(session.person)).recovery is None
    answer = see_other("/security/recovery" if lacks else PAGE)
    site.cookies.put(answer, site.cookies.session, session.secret)
    return answer


def _totp_page(site: Site, session: Session, offer: TotpOffer, *, wrong: str = "", status: int = 200) -> Response:
    return site.pages.answer(
        "portal/totp.html",
        status=status,
        frame=site.frame(session, PAGE),
        token=form_token(session.csrf, "totp"),
        handle=offer.handle,
        groups=[offer.secret[at : at + 4] for at in range(0, len(offer.secret), 4)],
        qr=qr_of(offer.uri),
        wrong=wrong,
    )
