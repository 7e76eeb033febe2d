"""What all ways to sign in share: who comes from which browser, what is asked of them, and where they go afterwards."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import MET_BY, MFA, NeedsSecond, Session, TooMany, Visit, Wrong
from grantline.ui.kit import Form, duration
from grantline.ui.portal.site import Site, see_other
from grantline.ui.portal.views.browsers import browser_of

HOME = "/"
OWN_PAGE = re.compile(r"/(?:(?:consent|connections|security|device|answered)(?:/[A-Za-z0-9_~-]{1,128}){0,3})?")
WRONG = "The user name or the password is not right."
WRONG_CODE = "This code is not right, or it was used before."
WRONG_PASSKEY = "This passkey did not work here. Try again, or use another way."


@dataclass(frozen=True, slots=True)
class Way:
    """Where a sign-in leads. `onward`: a page of ours. `acr`: levels asked for, best first; none: any will do."""

    onward: str = HOME
    acr: tuple[str, ...] = ()

    @classmethod
    def of_query(cls, request: Request) -> "Way":
        """As the address says it. Asking for more than was meant only costs the asker a step."""
        return cls.read(request.query_params.get("next", HOME), request.query_params.get("acr", ""))

    @classmethod
    def of_form(cls, form: Form) -> "Way":
        """As the page's form says it."""
        return cls.read(form.one("next", HOME), form.one("acr"))

    @classmethod
    def read(cls, onward: str, acr: str) -> "Way":
        """Unknown levels are left out: whoever asked decides on the outcome."""
        return cls(own_page(onward), tuple(value for value in acr.split()[:8] if value in MET_BY))

    def at(self, path: str) -> str:
        """The address of a page that is on this way."""
        fields = {"next": self.onward, **({"acr": " ".join(self.acr)} if self.acr else {})}
        return f"{path}?{urlencode(fields)}"

    @property
    def takes_passkey(self) -> bool:
        """Whether a typed code would not be enough."""
        return bool(self.acr) and not any(MFA in MET_BY[value] for value in self.acr)


def own_page(address: str) -> str:
    """A page of ours to go to afterwards; anything else means home, so that nobody is led away (CWE-601)."""
    return address if OWN_PAGE.fullmatch(address) else HOME


def visit(site: Site, request: Request) -> Visit:
    """The browser that somebody signs in with."""
    return Visit(
        address=request.client.host if request.client else "unknown",
        agent=browser_of(request.headers.get("user-agent", "")),
        replaced=site.cookies.read(request, site.cookies.session),
    )


def browser(site: Site, request: Request) -> tuple[str, bool]:
    """A name for this browser, so that its form cannot be posted by another (check 37); True when it is new."""
    known = site.cookies.read(request, site.cookies.browser)
    return (known, False) if known else (site.randomness(16).hex(), True)


def named(site: Site, answer: Response, secret: str, fresh: bool) -> Response:
    """The answer, with the browser's name where it is new."""
    if fresh:
        site.cookies.put(answer, site.cookies.browser, secret)
    return answer


def arrived(site: Site, outcome: Session | NeedsSecond, way: Way) -> Response:
    """Onward with the new session, or to the second step. Each changes what the browser holds (check 35)."""
    if isinstance(outcome, NeedsSecond):
        answer = see_other(way.at("/sign-in/second"))
        site.cookies.put(answer, site.cookies.step, outcome.secret)
        return answer
    answer = see_other(way.onward)
    site.cookies.put(answer, site.cookies.session, outcome.secret)
    site.cookies.drop(answer, site.cookies.browser)
    site.cookies.drop(answer, site.cookies.step)
    return answer


def refusal_of(outcome: Wrong | TooMany, wrong: str) -> tuple[str, int]:
    """What the page says, and its status."""
    if isinstance(outcome, TooMany):
        return f"Too many tries. Try again in {duration(outcome.seconds * 1_000_000)}.", 429
    return wrong, 401
