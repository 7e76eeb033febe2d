"""The second step of a sign-in: a code, a recovery code, or a passkey. Without the first step there is no page."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import SecondStep, TooMany, Wrong
from grantline.ui.kit import form_token, read_form, require_token
from grantline.ui.portal.arrival import WRONG_CODE, Way, arrived, browser, named, refusal_of, visit
from grantline.ui.portal.site import Site, see_other
from grantline.ui.portal.views.words import plain


async def show_second(site: Site, request: Request) -> Response:
    """`GET /sign-in/second`: back to the first step when that was not taken, or too long ago (check 56)."""
    way = Way.of_query(request)
    waiting = await site.services.sign_in.waiting(step_of(site, request))
    if waiting is None:
        return see_other(way.at("/sign-in"))
    return second_page(site, request, waiting, way)


async def second(site: Site, request: Request) -> Response:
    """`POST /sign-in/second`: a code of the app, or a recovery code; both go into the same field."""
    form = await read_form(request)
    form.only("csrf", "next", "acr", "code")
    way, step = Way.of_form(form), step_of(site, request)
    waiting = await site.services.sign_in.waiting(step)
    if waiting is None or step is None:
        return see_other(way.at("/sign-in"))
    require_token(form, step, "second")
    outcome = await site.services.sign_in.code(step, form.one("code"), visit(site, request))
    if outcome is None:
        return see_other(way.at("/sign-in"))
    if isinstance(outcome, (Wrong, TooMany)):
        words, status = refusal_of(outcome, WRONG_CODE)
        return second_page(site, request, waiting, way, wrong=words, status=status)
    return arrived(site, outcome, way)


def second_page(
    site: Site, request: Request, waiting: SecondStep, way: Way, *, wrong: str = "", status: int = 200
) -> Response:
    """The page, with what this person can pass it by."""
    secret, fresh = browser(site, request)
    answer = site.pages.answer(
        "portal/second.html",
        status=status,
        passkeys=waiting.passkeys,
        token=form_token(step_of(site, request) or "", "second"),
        passkey_token=form_token(secret, "passkey"),
        way=way,
        name=plain(waiting.name),
        by_passkey=waiting.passkeys,
        by_app=waiting.totp and not way.takes_passkey,
        by_code=(waiting.totp or waiting.recovery > 0) and not way.takes_passkey,
        wrong=wrong,
    )
    return named(site, answer, secret, fresh)


def step_of(site: Site, request: Request) -> str | None:
    """The secret of a sign-in that waits for its second step."""
    return site.cookies.read(request, site.cookies.step)
