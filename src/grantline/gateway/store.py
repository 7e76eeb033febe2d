"""What enforcement asks of its neighbours."""

import asyncio
from typing import Protocol

from grantline.gateway.standing import Departure, Stands
from grantline.model.calls import CallsWanted
from grantline.model.consent import EnforcedVersion
from grantline.model.events import Event
from grantline.model.ids import ConsentId
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims


class StandingCheck(Protocol):
    """Does the consent still stand (`gateway/standing.py`)?"""

    def check(self, claims: AccessClaims, signer: str = "") -> Reason | Stands:
        """First: may this call be judged at all, and under which lease and bundle."""
        ...

    def depart(self, claims: AccessClaims, first: Stands | None = None, signer: str = "") -> Reason | Departure:
        """Last, after the record is durable. Nothing may be awaited between this and handing the call over."""
        ...


class TokenLookup(Protocol):
    """What opaque tokens stand for (`gateway/opaque.py`)."""

    async def claims(self, digest: bytes) -> AccessClaims | Reason:
        """The claims of the token with this SHA-256; a reason if there are none for us, or nobody can say."""
        ...


class CallAllowance(Protocol):
    """Calls that consents allow in all (`gateway/calls.py`)."""

    async def take(self, wanted: CallsWanted) -> Reason | None:
        """Use one up; a reason if there is none, or nobody can say."""
        ...


class VersionStore(Protocol):
    """Versions of consents (`gateway/versions.py`)."""

    def cached(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        """The version if it is here."""
        ...

    async def get(self, consent: ConsentId, version: int) -> EnforcedVersion | Reason:
        """The version, fetched if need be; a reason if it cannot be had."""
        ...


class Record(Protocol):
    """The gateway's own durable record (`gateway/spool.py`)."""

    def append(self, event: Event, *, outcome: bool = False) -> asyncio.Future[int]:
        """A future of the event's number, done once it is durable. Raises `AuditUnavailable`, then or later."""
        ...
