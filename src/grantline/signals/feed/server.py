"""Everything under /gateway/: the feed's WebSocket, enrolment, versions, the bundle. Raw ASGI."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from grantline.crypto.encoding import unb64url
from grantline.crypto.es256 import InvalidJws
from grantline.model.bundle import BundleContent
from grantline.model.calls import CallsGiven, CallsWanted
from grantline.model.clock import Clock
from grantline.model.consent import EnforcedVersion
from grantline.model.errors import AuditUnavailable, InvalidRequest
from grantline.model.feed import BUNDLE_PATH, CALLS_PATH, ENROL_PATH, FEED_PATH, TOKEN_PATH, VERSION_PATH
from grantline.model.ids import ConsentId, GatewayId, Randomness
from grantline.model.ports import Work
from grantline.model.reading import decoded
from grantline.model.token import AccessClaims
from grantline.signals.feed.closures import Closures
from grantline.signals.feed.enrolment import EnrolmentRequest, enrol
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.identify import Identify
from grantline.signals.feed.keeping import Keeping
from grantline.signals.feed.settings import FeedSettings
from grantline.signals.feed.socket import TRY_AGAIN, FeedSocket, Message, Receive, Send
from grantline.signals.feed.tell import Teller
from grantline.signals.store import Transaction

LARGEST_BODY = 16 * 1024
FOREIGN_REMEMBERED = 10_000
ELSEWHERE = "Another process keeps the feed; connect again."

VersionFor = Callable[[GatewayId, ConsentId, int], Awaitable[EnforcedVersion | None]]
"""The signed version cut to that gateway's APIs, or None when it holds nothing for it."""
TokenFor = Callable[[GatewayId, bytes], Awaitable[AccessClaims | None]]
"""What the opaque token with this SHA-256 stands for, or None when that gateway has nothing to do with it."""
CallsFor = Callable[[GatewayId, CallsWanted], Awaitable[int]]
"""How many more calls that gateway may admit; 0 also for an API that is none of its own."""
BundleFor = Callable[[GatewayId], Awaitable[BundleContent]]
_Headers = tuple[tuple[bytes, bytes], ...]
_JSON: _Headers = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_METHODS = {ENROL_PATH: ("POST",), CALLS_PATH: ("POST",), FEED_PATH: ("GET",), BUNDLE_PATH: ("GET", "HEAD")}


class FeedServer:
    """The authority's door for gateways. `start`, then `run` as a task beside the web server; `wake` after commits."""

    def __init__(
        self,
        work: Work[Transaction],
        *,
        issuer: str,
        clock: Clock,
        randomness: Randomness,
        version_for: VersionFor,
        bundle_for: BundleFor,
        token_for: TokenFor,
        calls_for: CallsFor,
        settings: FeedSettings | None = None,
    ) -> None:
        self._settings = settings or FeedSettings()
        self._randomness = randomness
        self._work = work
        self._issuer = issuer
        self._clock = clock
        self._version_for = version_for
        self._bundle_for = bundle_for
        self._token_for = token_for
        self._calls_for = calls_for
        self._identify = Identify(work, issuer, clock)
        self._teller = Teller(clock, randomness)
        self._feed, self._keeping = self._new()
        self._foreign: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.closures = Closures(work, self._feed)

    def _new(self) -> tuple[Feed, Keeping]:
        """Under a name of its own: whatever an earlier keeping of this process left under way counts no more."""
        feed = Feed(self._work, self._clock, self._randomness, self._settings)
        return feed, Keeping(feed, self._clock, self._settings)

    async def start(self) -> None:
        """Take the feed over from whoever kept it, also after `rest`."""
        self._feed, self._keeping = self._new()
        self.closures.count_by(self._feed)
        await self._feed.start()

    def rest(self) -> None:
        """Keep it no longer, at once: no beats, no connections; gateways are sent elsewhere."""
        self._feed.rest()

    async def run(self) -> None:
        """Until cancelled; raises `NotKeeper` (in a group) when another process took the feed over."""
        await self._keeping.run()

    def wake(self) -> None:
        """A commit with feed entries returned: tell gateways now. Called on the event loop that runs `run`."""
        self._keeping.wake()

    def lacking(self, kid: str) -> tuple[GatewayId, ...] | None:
        """Gateways that may admit calls and do not hold this key yet; None: another process keeps the feed."""
        return self._feed.lacking(kid)

    async def remove(self, gateway: GatewayId) -> bool:
        """An operator takes a gateway out. What it may still admit is waited for like any other."""
        return await self._feed.remove(gateway)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI. Paths outside /gateway/ are 404."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            status, body = await self._http(scope, receive)
            await _respond(send, status, body, _explaining(status, scope["path"]), bare=scope["method"] == "HEAD")

    async def _socket(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        try:
            if scope["path"] != FEED_PATH:
                raise InvalidJws("no such path")
            gateway = await self._identify.gateway(scope["headers"])
        except InvalidJws:
            await send({"type": "websocket.close", "code": 1008})
            return
        except AuditUnavailable:
            await send({"type": "websocket.close", "code": TRY_AGAIN})
            return
        await send({"type": "websocket.accept"})
        if not self._feed.keeps:
            await send({"type": "websocket.close", "code": TRY_AGAIN, "reason": ELSEWHERE})
            return
        await FeedSocket(self._feed, self._keeping.settle, gateway, receive, send).serve()

    async def _http(self, scope: Message, receive: Receive) -> tuple[int, object]:
        path = scope["path"]
        allowed = _methods(path)
        if not allowed:
            return 404, {"error": "not_found"}
        if scope["method"] not in allowed:
            return 405, {"error": "invalid_request"}
        if path == FEED_PATH and not self._feed.keeps:
            return 503, {"error": "temporarily_unavailable", "error_description": ELSEWHERE}
        if path == FEED_PATH:
            return 426, {"error": "invalid_request", "error_description": "The feed is a WebSocket."}
        if path == ENROL_PATH:
            return await self._enrol(receive)
        return await self._told(scope, receive)

    async def _told(self, scope: Message, receive: Receive) -> tuple[int, object]:
        """What gateways read: the bundle, one version, one token; and what they ask for: calls."""
        try:
            gateway = (await self._identify.gateway(scope["headers"])).gateway
            if scope["path"] == CALLS_PATH:
                return await self._calls(gateway, receive)
            return await self._read(gateway, scope["path"])
        except InvalidJws as error:
            return 401, {"error": "invalid_token", "error_description": str(error)}
        except AuditUnavailable as error:
            return 503, {"error": "temporarily_unavailable", "error_description": error.message}

    async def _read(self, gateway: GatewayId, path: str) -> tuple[int, object]:
        if (wanted := _version_path(path)) is not None:
            return await self._version(gateway, *wanted)
        if (digest := _token_path(path)) is None:
            return 200, await self._bundle_for(gateway)
        # What is no token of ours, or none for this gateway, is what a client sent it: nothing to remark on.
        claims = await self._token_for(gateway, digest)
        return (404, {"error": "not_found"}) if claims is None else (200, claims)

    async def _calls(self, gateway: GatewayId, receive: Receive) -> tuple[int, object]:
        try:
            wanted = decoded(await _body(receive), CallsWanted)
        except (msgspec.MsgspecError, ValueError):
            return 400, {"error": "invalid_request", "error_description": "Say which calls, as JSON."}
        return 200, CallsGiven(await self._calls_for(gateway, wanted))

    async def _enrol(self, receive: Receive) -> tuple[int, object]:
        try:
            request = decoded(await _body(receive), EnrolmentRequest)
        except (msgspec.MsgspecError, ValueError):
            return 400, {"error": "invalid_request", "error_description": "Send token, gateway and jwk as JSON."}
        try:
            await self._work.write(lambda tx: enrol(tx, request, self._teller, self._clock))
        except InvalidRequest as error:
            return error.status, {"error": error.code, "error_description": error.message}
        except AuditUnavailable as error:
            return 503, {"error": "temporarily_unavailable", "error_description": error.message}
        return 201, {"gateway": request.gateway, "issuer": self._issuer}

    async def _version(self, gateway: GatewayId, consent: ConsentId, version: int) -> tuple[int, object]:
        found = await self._version_for(gateway, consent, version)
        if found is not None:
            return 200, found
        # A gateway asks by the grant of a token it verified, for its own API: having nothing for it is remarkable.
        if self._first_time(gateway, consent):
            event = self._teller.finding("version_not_for_gateway", gateway, consent=consent, version=version)
            await self._work.write(lambda tx: tx.outbox.append(event))
        return 404, {"error": "not_found"}

    def _first_time(self, gateway: GatewayId, consent: ConsentId) -> bool:
        key = (gateway, consent)
        if key in self._foreign:
            return False
        self._foreign[key] = None
        if len(self._foreign) > FOREIGN_REMEMBERED:
            self._foreign.popitem(last=False)
        return True


def _methods(path: str) -> tuple[str, ...]:
    """What may be asked of a path; nothing where there is none."""
    named = _version_path(path) is not None or _token_path(path) is not None
    return _METHODS.get(path) or (("GET", "HEAD") if named else ())


def _explaining(status: int, path: str) -> _Headers:
    """Headers without which a status does not say what to do instead (RFC 9110 §15.5)."""
    match status:
        case 401:
            return ((b"www-authenticate", b"Bearer"),)
        case 405:
            return ((b"allow", ", ".join(_methods(path)).encode()),)
        case 426:
            return ((b"upgrade", b"websocket"), (b"connection", b"upgrade"))
        case _:
            return ()


def _version_path(path: str) -> tuple[ConsentId, int] | None:
    """Grant and version of /gateway/versions/{grant}/{version}."""
    prefix, _, rest = path.partition(VERSION_PATH + "/")
    consent, _, version = rest.partition("/")
    if prefix or not consent or not version.isascii() or not version.isdigit() or len(version) > 9:
        return None
    return ConsentId(consent), int(version)


def _token_path(path: str) -> bytes | None:
    """The hash in /gateway/tokens/{base64url of 32 bytes}."""
    prefix, _, name = path.partition(TOKEN_PATH + "/")
    try:
        digest = unb64url(name)
    except ValueError:
        return None
    return digest if not prefix and len(digest) == 32 else None


async def _body(receive: Receive) -> bytes:
    """The request's body; ValueError if it is too large or broken off."""
    body = b""
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise ValueError("broken off")
        body += event.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise ValueError("too large")
        more = event.get("more_body", False)
    return body


async def _respond(send: Send, status: int, body: object, more: _Headers, *, bare: bool) -> None:
    """`bare`: the headers alone, as HEAD asks."""
    content = msgspec.json.encode(body)
    headers: list[Any] = [*_JSON, *more, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bare else content})
