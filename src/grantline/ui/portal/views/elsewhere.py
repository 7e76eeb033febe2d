"""A request that no browser brought, as its person sees it: who, from where, with which code or message."""

from dataclasses import dataclass
from ipaddress import ip_address

from grantline.authorization import Elsewhere, ElsewhereRequest
from grantline.consent.offer import Span
from grantline.model.text import listed
from grantline.ui.kit import Formats, When
from grantline.ui.portal.views.words import Who, plain, who


@dataclass(frozen=True, slots=True)
class ElsewhereView:
    """`checked`: what we say of who asks. `place`: in words; `address`: the network address that belongs to it.

    `code`: to compare, for devices; `message`: to compare, for others. `token`: of the form that answers.
    """

    handle: str
    who: Who
    host: str
    checked: str
    code: str
    message: str
    wants: tuple[Span, ...]
    about: str
    place: str
    address: str
    asked: When
    until: When
    token: str


@dataclass(frozen=True, slots=True)
class AskedView:
    """The same on the consent page, which says the rest itself."""

    message: str
    place: str
    address: str
    asked: When


def elsewhere_view(request: ElsewhereRequest, formats: Formats, token: str) -> ElsewhereView:
    """One request. Times as seen from now."""
    shown = who(request.client)
    place, address = place_of(request.address)
    return ElsewhereView(
        handle=request.handle,
        who=shown,
        host=request.client.host,
        checked=_checked(shown, request),
        code=request.code,
        message=plain(request.message),
        wants=request.wants or (Span("know who you are"),),
        about=listed(request.about),
        place=place,
        address=address,
        asked=formats.moment(request.asked_at * 1_000_000),
        until=formats.moment(request.expires_at * 1_000_000),
        token=token,
    )


def asked_view(elsewhere: Elsewhere | None, asked_at: int, formats: Formats) -> AskedView | None:
    """What the consent page adds; None where a browser brought the request."""
    if elsewhere is None:
        return None
    place, address = place_of(elsewhere.address)
    return AskedView(plain(elsewhere.message or ""), place, address, formats.moment(asked_at * 1_000_000))


def place_of(address: str) -> tuple[str, str]:
    """Where it was sent from, as far as that is known: words, and the address where it says something."""
    try:
        known = ip_address(address)
    except ValueError:
        return "a place we do not know", ""
    if known.is_loopback:
        return "the computer that this server runs on", ""
    return ("a private network," if known.is_private else "the Internet,"), str(known)


def _checked(shown: Who, request: ElsewhereRequest) -> str:
    if not shown.known:
        return "We do not know who runs it"
    verified = request.client.verified_by
    return f"Verified by {verified}" if verified else f"Published by {plain(request.client.publisher)}"
