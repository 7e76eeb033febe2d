"""Pages for people: sign-in, consent, Connections. Knows nothing of tokens, storage or gateways."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from grantline.model.clock import Clock
from grantline.model.ids import Randomness
from grantline.ui.kit import Assets, Cookies, Pages, SecurityHeaders
from grantline.ui.portal import (
    connections,
    consent,
    device,
    enrolment,
    passkey_sign_in,
    second_step,
    security,
    security_codes,
    security_passkeys,
    sign_in,
    sign_out,
    stop,
    upstream,
    waiting,
)
from grantline.ui.portal.services import Services
from grantline.ui.portal.settings import PortalSettings
from grantline.ui.portal.site import Site, onward, route, unhandled

__all__ = ["PortalSettings", "Services", "Site", "onward", "portal", "portal_routes", "portal_site"]


def portal_site(services: Services, settings: PortalSettings, clock: Clock, randomness: Randomness) -> Site:
    """What all pages share. Its `error(code)` is the page for other parts' unredirectable errors."""
    pages = Pages(Assets(), settings.operator, Path(__file__).parent / "templates")
    return Site(services, settings, pages, Cookies.for_issuer(settings.issuer), clock, randomness)


def portal_routes(site: Site) -> list[Route]:
    """Every page, to be mounted at the root beside the other endpoints, inside `SecurityHeaders`."""
    one = "/connections/{consent}"
    return [
        # Routes are tried in this order: the page that apps send everybody to comes first.
        route(site, "/consent/{handle}", GET=consent.show_consent, POST=consent.answer_consent),
        Assets().route(),
        route(site, "/", GET=connections.show_home),
        route(site, "/check", GET=connections.show_check),
        *_signing_in(site),
        *_own_security(site),
        *_elsewhere(site),
        route(site, "/connections", GET=connections.show_connections),
        route(site, one, GET=connections.show_connection),
        route(site, f"{one}/accesses", GET=connections.show_accesses),
        route(site, f"{one}/receipt/{{version:int}}", GET=connections.send_receipt),
        route(site, f"{one}/stop", GET=stop.ask_stop, POST=stop.stop),
        route(site, f"{one}/stopped", GET=stop.show_stopped),
    ]


def _signing_in(site: Site) -> list[Route]:
    one = "/sign-in/with/{provider}"
    return [
        route(site, "/sign-in", GET=sign_in.show_sign_in, POST=sign_in.sign_in),
        route(site, "/sign-in/again", POST=sign_in.go_on),
        route(site, "/sign-in/passkey", POST=passkey_sign_in.first),
        route(site, "/sign-in/passkey/options", POST=passkey_sign_in.first_options),
        route(site, "/sign-in/second", GET=second_step.show_second, POST=second_step.second),
        route(site, "/sign-in/second/passkey", POST=passkey_sign_in.second),
        route(site, "/sign-in/second/passkey/options", POST=passkey_sign_in.second_options),
        route(site, one, GET=upstream.leave),
        route(site, f"{one}/back", GET=upstream.back),
        route(site, "/sign-out", POST=sign_out.sign_out),
        route(site, "/sign-out/{handle}", GET=sign_out.show_sign_out, POST=sign_out.confirm_sign_out),
        route(site, "/signed-out/{handle}", GET=sign_out.show_signed_out),
        route(site, "/enrol/{token}", GET=enrolment.show_enrolment, POST=enrolment.enrol),
    ]


def _elsewhere(site: Site) -> list[Route]:
    """Before the pages of single connections: nothing of theirs is called `waiting`."""
    return [
        route(site, "/device", GET=device.show_device, POST=device.find_device),
        route(site, "/device/code/{code}", GET=device.show_filled),
        route(site, "/device/{handle}", GET=device.compare_device, POST=device.confirm_device),
        route(site, "/connections/waiting", GET=waiting.show_waiting, POST=waiting.answer_waiting),
        route(site, "/answered/{handle}", GET=waiting.show_answered),
    ]


def _own_security(site: Site) -> list[Route]:
    page = "/security"
    return [
        route(site, page, GET=security.show_security),
        route(site, f"{page}/sessions", POST=security.end_sessions),
        route(site, f"{page}/password", GET=security.show_password, POST=security.change_password),
        route(site, f"{page}/links", POST=security.link),
        route(site, f"{page}/totp", GET=security_codes.show_new_totp, POST=security_codes.add_totp),
        route(site, f"{page}/recovery", GET=security_codes.show_recovery, POST=security_codes.make_recovery),
        route(site, f"{page}/passkey", GET=security_passkeys.show_new_passkey, POST=security_passkeys.add_passkey),
        route(site, f"{page}/passkey/options", POST=security_passkeys.options),
        route(site, f"{page}/remove/{{kind}}/{{id}}", GET=security.ask_remove, POST=security.remove),
    ]


def portal(site: Site, *more: BaseRoute) -> ASGIApp:
    """The pages as one application with their headers and error pages. `more`: routes of other parts beside them."""
    failed = unhandled(site)
    pages = Starlette(
        routes=[*more, *portal_routes(site)],
        exception_handlers={404: failed, 405: failed, Exception: failed},
    )
    # An address with a slash too many is no page: Starlette would send it on by 307, to what the Host header says.
    pages.router.redirect_slashes = False
    # Around the whole application: the page of an unforeseen failure is made outside of its own middleware.
    return SecurityHeaders(pages)
