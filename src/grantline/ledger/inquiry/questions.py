"""What an investigator may ask, and what is told: never who a person is, but what was done, for whom and why.

A person may learn dates, purposes and recipients of each access to their data (GDPR Art. 15, C-154/21, C-579/21).
"""

from typing import Literal

import msgspec

from grantline.ledger.inquiry.port import Window
from grantline.model.ids import ClientId, ConsentId, EventId, PersonId, PurposeId


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Who asks (an operator's name), why, and about which time. It is recorded before it is answered."""

    by: str
    reason: str
    window: Window = Window()


class WhoAccessed(Asked, frozen=True, kw_only=True, tag="who-accessed"):
    """Every call about a person."""

    person: PersonId


class Traced(Asked, frozen=True, kw_only=True, tag="trace"):
    """A W3C trace id (32 hex digits): the calls, their consents' lives, the issue of their tokens."""

    trace: str


class Consented(Asked, frozen=True, kw_only=True, tag="consent"):
    """The life of one consent, and its newest calls."""

    consent: ConsentId


class ByClient(Asked, frozen=True, kw_only=True, tag="client"):
    """All acts of a client."""

    client: ClientId


class OfToken(Asked, frozen=True, kw_only=True, tag="token"):
    """Issue and uses of one token, by the SHA-256 of its `jti` (hex)."""

    jti_hash: str


class Marked(Asked, frozen=True, kw_only=True, tag="marked"):
    """Permitted calls that should not have been, or are worth a look."""

    mark: Literal["after-end", "other-purpose", "after-refusal"]


class Crowded(Asked, frozen=True, kw_only=True, tag="crowds"):
    """Clients that reached more people than this within an hour."""

    more_than: int


class Queried(Asked, frozen=True, kw_only=True, tag="queries"):
    """Who asked the record what."""


Question = WhoAccessed | Traced | Consented | ByClient | OfToken | Marked | Crowded | Queried


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent."""

    question: Question


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `t`: unix µs at its producer. Of an erased person only what the leaf tells is left.

    `out`, `reason`: of a call as its outcome left them; `status`: what the API answered. `by`: who asked, of queries.
    """

    index: int
    event_id: EventId
    type: str
    t: int
    producer: str
    out: str
    reason: str | None = None
    client: ClientId | None = None
    consent: ConsentId | None = None
    version: int | None = None
    purpose: PurposeId | None = None
    jti_hash: str | None = None
    trace: str | None = None
    api: str | None = None
    action: str | None = None
    datatype: str | None = None
    fields: tuple[str, ...] = ()
    agent: str | None = None
    status: int | None = None
    by: str | None = None
    asked: str | None = None
    erased: bool = False
