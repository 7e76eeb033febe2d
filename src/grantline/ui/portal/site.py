"""What every handler shares: who is present, how a page is sent, how an error becomes one."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from grantline.authorization import Delivery
from grantline.identity import Session
from grantline.model.clock import Clock
from grantline.model.errors import (
    AuditUnavailable,
    GrantlineError,
    LoginRequired,
    NotFound,
    OAuthError,
    TemporarilyUnavailable,
)
from grantline.model.ids import Randomness
from grantline.ui.kit import BadForm, Cookies, Formats, Pages, form_token, redirect_source
from grantline.ui.portal.services import Services
from grantline.ui.portal.settings import PortalSettings
from grantline.ui.portal.views.errors import error_text

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NavLink:
    """One page of the portal's bar."""

    href: str
    words: str
    current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The portal's bar and foot."""

    name: str
    links: tuple[NavLink, ...]
    sign_out: str
    footer: str


@dataclass(frozen=True, slots=True)
class Site:
    """Everything a handler works with; the clock and randomness are handed in."""

    services: Services
    settings: PortalSettings
    pages: Pages
    cookies: Cookies
    clock: Clock
    randomness: Randomness = secrets.token_bytes

    def formats(self) -> Formats:
        """Times as seen from now."""
        return Formats(ZoneInfo(self.settings.zone), self.clock.wall_us())

    async def session(self, request: Request) -> Session | None:
        """Who is present."""
        return await self.services.sessions.current(self.cookies.read(request, self.cookies.session))

    def frame(self, session: Session, page: str) -> Frame:
        """The bar of the portal for this person; `page` is the current address."""
        links = tuple(
            NavLink(href, words, page == href)
            for href, words in (("/connections", "Connections"), ("/security", "Sign-in and sessions"))
        )
        return Frame(
            name=session.name,
            links=links,
            sign_out=form_token(session.csrf, "sign-out"),
            footer=f"Every number here comes from the ledger. Questions: {self.settings.contact}",
        )

    def error(
        self, code: str, *, detail: str = "", status: int | None = None, reference: str | None = None
    ) -> Response:
        """The error page of a code. What was asked goes to the log under the page's reference, never to the page.

        `reference`: ours to quote, when whoever found the error has made one already.
        """
        code, text = error_text(code)
        reference = reference or self._reference()
        log.warning("page refused", code=code, reference=reference, detail=detail)
        at = self.formats().stamp(self.clock.wall_us())
        return self.pages.answer(
            "portal/error.html", status=status or text.status, text=text, code=code, reference=reference, at=at
        )

    def _reference(self) -> str:
        letters = "".join(LETTERS[byte % 32] for byte in self.randomness(10))
        return f"{letters[:6]}-{letters[6:]}"


Handler = Callable[[Site, Request], Awaitable[Response]]
PersonHandler = Callable[[Site, Request, Session], Awaitable[Response]]


def onward(site: Site, answer: Delivery) -> Response:
    """The client's answer on its way: by its address, or by a page that posts it there (check 30)."""
    if not answer.fields:
        return see_other(answer.url)
    return site.pages.answer(
        "portal/onward.html",
        form_target=redirect_source(answer.url),
        posts=True,
        action=answer.url,
        host=urlsplit(answer.url).hostname or "",
        fields=answer.fields,
    )


def for_person(handler: PersonHandler) -> Handler:
    """Only for somebody who is present; others sign in first and come back to the page, not to the act."""

    async def checked(site: Site, request: Request) -> Response:
        session = await site.session(request)
        if session is None:
            return sign_in_first(request.url.path)
        return await handler(site, request, session)

    return checked


def for_recent(handler: PersonHandler) -> Handler:
    """Only for somebody who has just shown who they are, in two steps where they have two; others do it again."""

    async def checked(site: Site, request: Request, session: Session) -> Response:
        try:
            await site.services.methods.require_fresh(session)
            return await handler(site, request, session)
        except LoginRequired:
            return sign_in_first(request.url.path if request.method == "GET" else "/security")

    return for_person(checked)


def sign_in_first(path: str, acr: tuple[str, ...] = ()) -> Response:
    """To the sign-in, and back to `path` afterwards. `acr`: levels asked for, best first."""
    levels = f"&acr={quote(' '.join(acr), safe='')}" if acr else ""
    return see_other(f"/sign-in?next={quote(path, safe='')}{levels}")


def see_other(address: str) -> Response:
    """The answer to a post: go and look there (RFC 9110 §15.4.4)."""
    return RedirectResponse(address, 303)


def route(site: Site, path: str, **handlers: Handler) -> Route:
    """A path with its handler for each method. Errors become pages, in this one place."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handlers["GET" if request.method == "HEAD" else request.method](site, request)
        except BadForm as error:
            return site.error(error.code, detail=error.detail)
        except GrantlineError as error:
            return site.error(code_of(error), detail=error.detail or error.message)

    return Route(path, endpoint, methods=list(handlers))


def code_of(error: GrantlineError) -> str:
    """The error page that tells of an error."""
    match error:
        case NotFound():
            return "not_found"
        case AuditUnavailable():
            return "audit_unavailable"
        case TemporarilyUnavailable():
            return "temporarily_unavailable"
        case OAuthError(code=code):
            return code
    return "server_error"


def unhandled(site: Site) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What is left over: unknown addresses, wrong methods, and our own mistakes."""

    async def page(_: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            known = {404: "not_found", 405: "not_allowed_here"}
            answer = site.error(known.get(error.status_code, "invalid_request"), detail=error.detail)
            answer.headers.update(error.headers or {})
            return answer
        log.error("page failed", exc_info=error)
        return site.error("server_error")

    return page
