"""To another provider and back. The way there is a link: a form may not be redirected beyond its policy."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from grantline.identity import Linked, Returned, Stranger, TooMany, Wrong
from grantline.model.errors import Conflict
from grantline.ui.kit import BadForm
from grantline.ui.portal.arrival import Way, arrived, browser, named, refusal_of, visit
from grantline.ui.portal.sign_in import sign_in_page
from grantline.ui.portal.site import Site, see_other

NOT_SIGNED_IN = "The other provider did not sign you in."
STRANGER = "Nobody here is linked to that sign-in. Sign in another way, then link it under Sign-in and sessions."


async def leave(site: Site, request: Request) -> Response:
    """`GET /sign-in/with/{provider}`: only from a page of ours, so that nobody is sent there from elsewhere."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise BadForm("form_expired", "came from another site")
    way = Way.of_query(request)
    secret, fresh = browser(site, request)
    session = await site.session(request)
    address = await site.services.providers.leave(
        request.path_params["provider"], secret, onward=way.onward, acr=" ".join(way.acr), again=session is not None
    )
    return named(site, RedirectResponse(address, 303), secret, fresh)


async def back(site: Site, request: Request) -> Response:
    """`GET /sign-in/with/{provider}/back`: the provider's answer, once, in the browser that left."""
    answer = dict(request.query_params)
    if len(answer) != len(request.query_params.multi_items()):
        raise BadForm("form_changed", "a parameter is repeated")
    secret = site.cookies.read(request, site.cookies.browser)
    if secret is None:
        return site.error("sign_in_over")
    try:
        returned = await site.services.providers.back(
            request.path_params["provider"], answer, secret, visit(site, request), await site.session(request)
        )
    except Conflict as error:
        return site.error("linked_already", detail=error.detail or error.message)
    if returned is None:
        return site.error("sign_in_over")
    return await _concluded(site, request, returned)


async def _concluded(site: Site, request: Request, returned: Returned) -> Response:
    way = Way.read(returned.onward, returned.acr)
    match returned.outcome:
        case Linked():
            return see_other("/security")
        case Stranger():
            return await sign_in_page(site, request, way, wrong=STRANGER, status=403)
        case Wrong() | TooMany() as refused:
            words, status = refusal_of(refused, NOT_SIGNED_IN)
            return await sign_in_page(site, request, way, wrong=words, status=status)
        case outcome:
            return arrived(site, outcome, way)
