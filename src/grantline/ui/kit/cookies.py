"""The cookies of the pages: the session, a name for a browser without one, and a sign-in that is half done."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from grantline.model.errors import InvalidConfiguration

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Cookies:
    """Cookie names and flags for one issuer. On https always `__Host-` and Secure (RFC 6265bis §4.1.3.2)."""

    secure: bool

    @classmethod
    def for_issuer(cls, issuer: str) -> "Cookies":
        """Plain http is only for the own machine; anything else is a mistake worth stopping at."""
        parts = urlsplit(issuer)
        if parts.scheme == "https":
            return cls(secure=True)
        if parts.scheme == "http" and parts.hostname in LOOPBACK:
            return cls(secure=False)
        raise InvalidConfiguration("$.issuer: has to be https, or http on this machine's loopback")

    @property
    def session(self) -> str:
        """Name of the session cookie."""
        return "__Host-grantline" if self.secure else "grantline"

    @property
    def browser(self) -> str:
        """Name of the cookie that binds the sign-in form to this browser."""
        return "__Host-grantline-form" if self.secure else "grantline-form"

    @property
    def step(self) -> str:
        """Name of the cookie of a sign-in whose second step is due. It opens no page (check 56)."""
        return "__Host-grantline-step" if self.secure else "grantline-step"

    def read(self, request: Request, name: str) -> str | None:
        """The cookie's value; None when absent, empty or absurdly long."""
        value = request.cookies.get(name, "")
        return value if 0 < len(value) <= 256 else None

    def put(self, response: Response, name: str, value: str) -> None:
        """Set it until the browser closes; what it stands for ends on the server."""
        response.set_cookie(name, value, path="/", secure=self.secure, httponly=True, samesite="lax")

    def drop(self, response: Response, name: str) -> None:
        """Take it away."""
        response.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="lax")
