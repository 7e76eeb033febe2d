"""Signing in with a passkey, as the first step or as the second. The page's script fills in the answer."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Asked, TooMany, Wrong
from grantline.model.errors import NotFound
from grantline.ui.kit import read_form, require_token
from grantline.ui.portal.arrival import WRONG_PASSKEY, Way, arrived, refusal_of, visit
from grantline.ui.portal.second_step import second_page, step_of
from grantline.ui.portal.sign_in import sign_in_page
from grantline.ui.portal.site import Site, see_other


async def first_options(site: Site, request: Request) -> Response:
    """`POST /sign-in/passkey/options`: a challenge for whichever passkey the device has; it names nobody."""
    form = await read_form(request)
    browser = site.cookies.read(request, site.cookies.browser)
    require_token(form, browser, "passkey")
    return options_answer(await site.services.passkeys.ask(browser or ""))


async def first(site: Site, request: Request) -> Response:
    """`POST /sign-in/passkey`."""
    form = await read_form(request)
    form.only("csrf", "next", "acr", "handle", "credential")
    browser = site.cookies.read(request, site.cookies.browser)
    require_token(form, browser, "passkey")
    way = Way.of_form(form)
    outcome = await site.services.passkeys.sign_in(
        form.one("handle"), form.one("credential"), browser or "", visit(site, request)
    )
    if outcome is None or isinstance(outcome, (Wrong, TooMany)):
        words, status = refusal_of(outcome or Wrong(), WRONG_PASSKEY)
        return await sign_in_page(site, request, way, wrong=words, status=status)
    return arrived(site, outcome, way)


async def second_options(site: Site, request: Request) -> Response:
    """`POST /sign-in/second/passkey/options`: a challenge for this person's passkeys."""
    form = await read_form(request)
    browser, step = site.cookies.read(request, site.cookies.browser), step_of(site, request)
    require_token(form, browser, "passkey")
    if step is None:
        raise NotFound("Nobody has begun to sign in here.")
    return options_answer(await site.services.passkeys.ask(browser or "", step))


async def second(site: Site, request: Request) -> Response:
    """`POST /sign-in/second/passkey`."""
    form = await read_form(request)
    form.only("csrf", "next", "acr", "handle", "credential")
    browser, step = site.cookies.read(request, site.cookies.browser), step_of(site, request)
    require_token(form, browser, "passkey")
    way = Way.of_form(form)
    waiting = await site.services.sign_in.waiting(step)
    if waiting is None:
        return see_other(way.at("/sign-in"))
    outcome = await site.services.passkeys.sign_in(
        form.one("handle"), form.one("credential"), browser or "", visit(site, request), step
    )
    if outcome is None or isinstance(outcome, (Wrong, TooMany)):
        words, status = refusal_of(outcome or Wrong(), WRONG_PASSKEY)
        return second_page(site, request, waiting, way, wrong=words, status=status)
    return arrived(site, outcome, way)


def options_answer(asked: Asked) -> Response:
    """What the script asks for: its handle, and WebAuthn's own JSON."""
    body = orjson.dumps({"handle": asked.handle, "options": orjson.Fragment(asked.options)})
    return Response(body, media_type="application/json")
