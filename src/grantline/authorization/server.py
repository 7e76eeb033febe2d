"""What every endpoint works with: who we are, our keys, our clock, what is kept. Handed in, so tests own the world."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from grantline.authorization.documents import Documents
from grantline.authorization.http import Response
from grantline.authorization.keys import Keys
from grantline.authorization.mtls import Mtls
from grantline.authorization.rates import Rates
from grantline.authorization.settings import Settings
from grantline.authorization.store import Transaction
from grantline.authorization.verified import Verified
from grantline.catalog import Catalog
from grantline.consent import Consents, ResourceChoice
from grantline.identity import Session
from grantline.model.clock import Clock
from grantline.model.ids import ApiId, Randomness
from grantline.model.ports import Work
from grantline.parties import RegistrationSettings
from grantline.policy import Decider


class Pages(Protocol):
    """Where the browser goes, and how an error looks that must not be redirected."""

    def sign_in(self, handle: str, acr: tuple[str, ...]) -> str:
        """Path of the sign-in page that comes back to this request. `acr`: levels asked for, best first."""
        ...

    def consent(self, handle: str) -> str:
        """Path of the consent page of this request."""
        ...

    def answered(self, handle: str) -> str:
        """Path of the page that says that who asked from elsewhere has the answer."""
        ...

    def device(self) -> str:
        """Path of the page where people type the code of a device."""
        ...

    def posting(self, url: str, fields: tuple[tuple[str, str], ...]) -> Response:
        """A page that posts these fields to the client's address, by itself or by its button (check 30)."""
        ...

    def sign_out(self, handle: str) -> str:
        """Path of the page that signs out."""
        ...

    def error(self, code: str, reference: str) -> Response:
        """The error page; its text is fixed per code, never made from the request."""
        ...


class ResourceLists(Protocol):
    """Asks an API what a person may share."""

    async def of(self, api: ApiId, owner: str) -> tuple[ResourceChoice, ...]:
        """The things of `owner` (the person's name at that API); raises `TemporarilyUnavailable`."""
        ...


class Fetch(Protocol):
    """Reads what stands at an address that a registration names; guarded as check 133 says."""

    async def request_object(self, url: str) -> str:
        """A signed request (RFC 9101 §5.2); raises `TemporarilyUnavailable`, also for what is no such document."""
        ...

    async def keys(self, url: str) -> tuple[dict[str, Any], ...]:
        """The keys of a JWK set; raises `TemporarilyUnavailable`."""
        ...

    async def newer_keys(self, url: str) -> tuple[dict[str, Any], ...]:
        """The same when one was missing: asked anew, but at most once a minute; raises `TemporarilyUnavailable`."""
        ...

    async def redirect_uris(self, url: str) -> tuple[str, ...]:
        """The redirect addresses of one sector (OIDC Registration §5); raises `TemporarilyUnavailable`."""
        ...


CurrentSession = Callable[[str | None], Awaitable[Session | None]]
"""The session that the value of a `Cookie` header names, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One authorization server. `catalog` and `policy` are asked for each time, because `apply` may replace them.

    `fetch` None: nothing is read from elsewhere, and what would have to be is refused. `documents` None: no
    client's id is an address.
    """

    issuer: str
    keys: Keys
    work: Work[Transaction]
    consents: Consents
    catalog: Callable[[], Catalog]
    policy: Callable[[], Decider]
    clock: Clock
    session: CurrentSession
    pages: Pages
    lists: ResourceLists
    mtls: Mtls | None = None
    """None where there is no door for clients with certificates."""
    settings: Settings = field(default_factory=Settings)
    randomness: Randomness = secrets.token_bytes
    fetch: Fetch | None = None
    documents: Documents | None = None
    registration: RegistrationSettings = field(default_factory=RegistrationSettings)
    rates: Rates = field(init=False)
    verified: Verified = field(init=False, default_factory=Verified)

    def __post_init__(self) -> None:
        """Count requests from the start."""
        object.__setattr__(self, "rates", Rates(self.settings.requests_per_minute))

    def now(self) -> int:
        """Unix seconds."""
        return self.clock.wall_us() // 1_000_000
