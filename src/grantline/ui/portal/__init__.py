"""Pages for people: sign-in, consent, Connections. Knows nothing of tokens, storage or gateways."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from grantline.model.clock import Clock
from grantline.model.ids import Randomness
from grantline.ui.kit import Assets, Cookies, Pages, SecurityHeaders
from grantline.ui.portal import connections, consent, sign_in, stop
from grantline.ui.portal.services import Services
from grantline.ui.portal.settings import PortalSettings
from grantline.ui.portal.site import Site, route, unhandled

__all__ = ["PortalSettings", "Services", "Site", "portal", "portal_routes", "portal_site"]


def portal_site(services: Services, settings: PortalSettings, clock: Clock, randomness: Randomness) -> Site:
    """What all pages share. Its `error(code)` is the page for other parts' unredirectable errors."""
    pages = Pages(Assets(), settings.operator, Path(__file__).parent / "templates")
    return Site(services, settings, pages, Cookies.for_issuer(settings.issuer), clock, randomness)


def portal_routes(site: Site) -> list[Route]:
    """Every page, to be mounted at the root beside the other endpoints, inside `SecurityHeaders`."""
    one = "/connections/{consent}"
    return [
        Assets().route(),
        route(site, "/", connections.show_home, "GET"),
        route(site, "/check", connections.show_check, "GET"),
        route(site, "/sign-in", sign_in.show_sign_in, "GET"),
        route(site, "/sign-in", sign_in.sign_in, "POST"),
        route(site, "/sign-out", sign_in.sign_out, "POST"),
        route(site, "/enrol/{token}", sign_in.show_enrolment, "GET"),
        route(site, "/enrol/{token}", sign_in.enrol, "POST"),
        route(site, "/consent/{handle}", consent.show_consent, "GET"),
        route(site, "/consent/{handle}", consent.answer_consent, "POST"),
        route(site, "/connections", connections.show_connections, "GET"),
        route(site, one, connections.show_connection, "GET"),
        route(site, f"{one}/accesses", connections.show_accesses, "GET"),
        route(site, f"{one}/receipt/{{version:int}}", connections.send_receipt, "GET"),
        route(site, f"{one}/stop", stop.ask_stop, "GET"),
        route(site, f"{one}/stop", stop.stop, "POST"),
        route(site, f"{one}/stopped", stop.show_stopped, "GET"),
    ]


def portal(site: Site, *more: BaseRoute) -> ASGIApp:
    """The pages as one application with their headers and error pages. `more`: routes of other parts beside them."""
    failed = unhandled(site)
    pages = Starlette(
        routes=[*more, *portal_routes(site)],
        exception_handlers={404: failed, 405: failed, Exception: failed},
    )
    # Around the whole application: the page of an unforeseen failure is made outside of its own middleware.
    return SecurityHeaders(pages)
