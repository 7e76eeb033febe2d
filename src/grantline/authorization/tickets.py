"""Single-use, short-lived state in one typed store: pushed requests and codes. Redeemed once, by compare-and-set."""

import hashlib
from typing import Annotated, Generic, NewType, TypeVar

import msgspec

from grantline.authorization.elsewhere import Way
from grantline.authorization.response_modes import Back
from grantline.authorization.steps.claims import ClaimsWanted
from grantline.authorization.store import TicketKind, TicketRow, TicketRows
from grantline.catalog import Asked
from grantline.consent import ResourceChoice
from grantline.crypto.encoding import b64url
from grantline.model.errors import NotFound
from grantline.model.ids import ApiId, ClientId, ConsentId, FamilyId, PersonId, Randomness, SubjectId

TicketHandle = NewType("TicketHandle", str)
HANDLE_BYTES = 32
Handle = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""What a handle looks like: 256 random bits in base64url. Anything else is not worth a look-up."""


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from that no browser brought. `id`: of its row. `address`: of who sent it.

    `message`: what the client wants compared (CIBA §7.1). `told`: the client is told that there is an answer.
    """

    id: str
    way: Way
    address: str
    message: str | None = None
    told: bool = False


class RequestTicket(msgspec.Struct, frozen=True, kw_only=True, tag="request"):
    """A checked authorization request, kept until the person finishes (RFC 9126). `asked` is its inner form.

    `jkt`: key that the code will be bound to. `created_at`: unix seconds. `response_mode`, `response_alg`: how the
    answer goes back. `challenge` None: a registered exemption. `acr`: levels of sign-in asked for, best first; a wish
    unless `acr_essential`. `login_hint`: who may be signing in. `offline`: refresh tokens are asked for by name.
    `elsewhere`: where no browser brought it; there is no `redirect_uri` then.
    `action`, `grant`: which grant it makes, or changes and how (Grant Management §5.2).
    """

    client: ClientId
    redirect_uri: str
    state: str | None
    nonce: str | None
    challenge: str | None
    scope: str
    openid: bool
    resources: tuple[str, ...]
    asked: tuple[Asked, ...]
    prompt: tuple[str, ...]
    max_age: int | None
    hint: SubjectId | None
    language: str
    jkt: str | None
    created_at: int
    response_mode: str = "query"
    response_alg: str | None = None
    acr: tuple[str, ...] = ()
    acr_essential: bool = False
    login_hint: str | None = None
    claims: ClaimsWanted = ClaimsWanted()
    offline: bool = False
    elsewhere: Elsewhere | None = None
    action: str | None = None
    grant: ConsentId | None = None

    @property
    def back(self) -> Back:
        """Where the answer goes."""
        return Back(self.client, self.redirect_uri, self.state, self.response_mode, self.response_alg)


class CodeTicket(msgspec.Struct, frozen=True, kw_only=True, tag="code"):
    """What a code stands for. The family is named beforehand, so a code used twice can end what came of it.

    `sid`: the session that it was given in, by its name towards the client. `claims`: asked for in the ID token.
    `epoch`: of the consent when it was made; a change of the consent ends the code like every token of before.
    """

    client: ClientId
    redirect_uri: str
    challenge: str | None
    jkt: str | None
    nonce: str | None
    scope: str
    openid: bool
    resources: tuple[str, ...]
    consent: ConsentId
    person: PersonId
    subject: SubjectId
    auth_time: int
    amr: tuple[str, ...]
    family: FamilyId
    acr: str | None = None
    sid: str | None = None
    claims: tuple[str, ...] = ()
    epoch: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said to a request from elsewhere: what was agreed, or the name of the error."""

    code: CodeTicket | None = None
    error: str = ""


class DeviceTicket(msgspec.Struct, frozen=True, kw_only=True, tag="device"):
    """What a device code stands for (RFC 8628 §3.2). `id`: of the row. Its notes are the `Answer`."""

    id: str
    client: ClientId
    jkt: str | None


class BackchannelTicket(msgspec.Struct, frozen=True, kw_only=True, tag="backchannel"):
    """What an `auth_req_id` stands for (CIBA §7.3). `token`: by which the client knows us when we tell it (§10.2)."""

    id: str
    client: ClientId
    jkt: str | None
    token: str | None = None


class LogoutTicket(msgspec.Struct, frozen=True, kw_only=True, tag="logout"):
    """A wish to sign out. `client`: whose it is, if that is known; `redirect_uri`: registered for going there after.

    `subject`, `sid`: whom an ID token of ours named. Its outcome, once used up, is the session that ended.
    """

    client: ClientId | None = None
    redirect_uri: str | None = None
    state: str | None = None
    subject: SubjectId | None = None
    sid: str | None = None


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned when the person came: the consent to decide on, when, and what each API listed."""

    consent: ConsentId
    opened_at: int
    lists: dict[ApiId, tuple[ResourceChoice, ...]]


Ticket = RequestTicket | CodeTicket | LogoutTicket | DeviceTicket | BackchannelTicket
Body = TypeVar("Body", RequestTicket, CodeTicket, LogoutTicket, DeviceTicket, BackchannelTicket)


class Kept(msgspec.Struct, Generic[Body], frozen=True):
    """A ticket as found: its content, and the row with what has happened to it."""

    body: Body
    row: TicketRow

    @property
    def digest(self) -> bytes:
        """Where it is found."""
        return self.row.digest

    @property
    def redeemed(self) -> bool:
        """True once it was used up."""
        return self.row.redeemed_at is not None

    def is_open(self, now: int) -> bool:
        """True while it can still be used (`now` in unix seconds)."""
        return not self.redeemed and now < self.row.expires_at


_KINDS: dict[type[Ticket], TicketKind] = {
    RequestTicket: TicketKind.REQUEST,
    CodeTicket: TicketKind.CODE,
    LogoutTicket: TicketKind.LOGOUT,
    DeviceTicket: TicketKind.DEVICE,
    BackchannelTicket: TicketKind.BACKCHANNEL,
}
KIND_OF_WAY = {Way.DEVICE: TicketKind.DEVICE, Way.BACKCHANNEL: TicketKind.BACKCHANNEL}


def new_handle(randomness: Randomness) -> TicketHandle:
    """An unguessable handle; only its hash is ever kept (checks 33, 34, 61)."""
    return TicketHandle(b64url(randomness(HANDLE_BYTES)))


def digest_of(kind: TicketKind, handle: str) -> bytes:
    """Where a handle of this kind is found. The kind is part of the hash, so kinds can never meet."""
    return hashlib.sha256(f"{kind}\0{handle}".encode()).digest()


async def keep(rows: TicketRows, handle: TicketHandle, body: Body, expires_at: int) -> Kept[Body]:
    """Keep a new ticket under its handle until `expires_at` (unix seconds)."""
    kept = to_keep(handle, body, expires_at)
    await rows.put(kept.row)
    return kept


def to_keep(handle: TicketHandle, body: Body, expires_at: int, *, arrived: str | None = None) -> Kept[Body]:
    """The same, before it is kept: whoever knows more to keep with it adds that, and puts the row."""
    kind = _KINDS[type(body)]
    row = TicketRow(
        kind=kind,
        digest=digest_of(kind, handle),
        body=msgspec.json.encode(body),
        expires_at=expires_at,
        arrived=arrived,
    )
    return Kept(body, row)


async def find(rows: TicketRows, kind: type[Body], handle: str) -> Kept[Body] | None:
    """The ticket of exactly this kind, also when it is used up or too old; None if there is none."""
    name = _KINDS[kind]
    row = await rows.get(name, digest_of(name, handle))
    return None if row is None else Kept(msgspec.json.decode(row.body, type=kind), row)


async def open_request(rows: TicketRows, handle: str, now: int) -> Kept[RequestTicket]:
    """A request that still waits for its person; raises `NotFound` otherwise, without saying why."""
    kept = await find(rows, RequestTicket, handle)
    if kept is None or not kept.is_open(now):
        why = "unknown" if kept is None else "used" if kept.redeemed else "expired"
        raise NotFound("This request is no longer open. Go back to the app and start again.", detail=why)
    return kept
