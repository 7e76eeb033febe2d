"""Sign out: at the person's own wish, or at an app's (OIDC RP-Initiated and Front-Channel Logout)."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.authorization import Farewell
from grantline.identity import Session
from grantline.ui.kit import form_token, read_form, redirect_source, require_token
from grantline.ui.portal.site import Site, see_other
from grantline.ui.portal.views.words import plain


async def sign_out(site: Site, request: Request) -> Response:
    """`POST /sign-out`: ends the session on the server, then in the browser (check 59)."""
    form = await read_form(request)
    session = await site.session(request)
    if session is None:
        return _gone(site, "/sign-in")
    require_token(form, session.csrf, "sign-out")
    await site.services.sessions.end(session)
    handle = await site.services.logout.leave(session)
    return _gone(site, "/sign-in" if handle is None else f"/signed-out/{handle}")


async def show_sign_out(site: Site, request: Request) -> Response:
    """`GET /sign-out/{handle}`: an app sent the person here; they are asked, unless its ID token names this session."""
    handle = request.path_params["handle"]
    session = await site.session(request)
    leaving = await site.services.logout.arrive(handle, session)
    if session is None or not leaving.ask:
        return await _left(site, handle, session)
    return site.pages.answer(
        "portal/sign_out.html",
        action=request.url.path,
        token=form_token(session.csrf, f"sign-out:{handle}"),
        name=plain(session.name),
        app="" if leaving.client is None else plain(leaving.client.name),
    )


async def confirm_sign_out(site: Site, request: Request) -> Response:
    """`POST /sign-out/{handle}`: the person said so."""
    handle = request.path_params["handle"]
    form = await read_form(request)
    form.only("csrf")
    session = await site.session(request)
    if session is None:
        return see_other(request.url.path)
    require_token(form, session.csrf, f"sign-out:{handle}")
    await site.services.logout.arrive(handle, session)
    return await _left(site, handle, session)


async def show_signed_out(site: Site, request: Request) -> Response:
    """`GET /signed-out/{handle}`: apps end their own sessions in frames; then on, where there is somewhere to go."""
    farewell = await site.services.logout.farewell(request.path_params["handle"])
    frames = _loadable(farewell)
    if not frames and farewell.onward is not None:
        return see_other(farewell.onward)
    return site.pages.answer(
        "portal/signed_out.html",
        frames=frames,
        onward=farewell.onward,
        app="" if farewell.client is None else plain(farewell.client.name),
    )


async def _left(site: Site, handle: str, session: Session | None) -> Response:
    """End the session first: whatever fails after that, nobody is signed in any more."""
    if session is not None:
        await site.services.sessions.end(session)
    await site.services.logout.left(handle, session)
    return _gone(site, f"/signed-out/{handle}")


def _loadable(farewell: Farewell) -> tuple[str, ...]:
    """Frames whose origin the policy of the page can name; no other could be loaded."""
    return tuple(frame for frame in farewell.frames if redirect_source(frame) is not None)


def _gone(site: Site, address: str) -> Response:
    answer = see_other(address)
    site.cookies.drop(answer, site.cookies.session)
    return answer
