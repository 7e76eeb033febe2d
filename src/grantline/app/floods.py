"""What somebody unknown can have us keep is bounded: so many beginnings a minute from one address, and no more.

A request to authorize, to sign out, for a passkey or at another provider leaves a row before anybody has said who they
are. Everything else that leaves one comes from a client that proved itself or from a person who is present.
"""

from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address
from typing import Any, Protocol

from starlette.responses import Response

from grantline.authorization import AUTHORIZE, END_SESSION, Rates, SlowDown
from grantline.model.clock import Clock

Asgi = Callable[[Any, Any, Any], Awaitable[None]]
WAIT_S = 60
EXACT = frozenset({AUTHORIZE, END_SESSION, "/sign-in/passkey/options"})
BELOW = "/sign-in/with/"


class Pages(Protocol):
    """What says so to a person."""

    def error(self, code: str, *, detail: str = "") -> Response:
        """The error page of a code."""
        ...


class Floods:
    """Stands before the whole application. `per_minute`: beginnings from one address."""

    def __init__(self, app: Asgi, pages: Pages, clock: Clock, per_minute: int) -> None:
        self._app = app
        self._pages = pages
        self._clock = clock
        self._rates = Rates(per_minute)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Nothing is read of a request that is too much, and nothing kept."""
        if scope["type"] == "http" and begins(scope["path"]):
            try:
                self._rates.take("unknown", network(scope), self._clock.boot_ns())
            except SlowDown:
                refusal = self._pages.error("too_many_requests", detail=scope["path"])
                refusal.headers["retry-after"] = str(WAIT_S)
                return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)


def begins(path: str) -> bool:
    """True where a row is left before it is known who asks."""
    return path in EXACT or path.startswith(BELOW)


def network(scope: Any) -> str:
    """Who counts as one: an address of IPv4, or what one customer has of IPv6 (a /64)."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)
