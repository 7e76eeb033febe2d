"""The gateway inside an ASGI application's own process: decides, passes the signed context on, cuts the answer."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from grantline.crypto.certificates.reading import CertificateInvalid, from_pem, thumbprint
from grantline.gateway.context import HEADER as CONTEXT
from grantline.gateway.described import ResourceMetadata
from grantline.gateway.enforce import Admitted, Gateway, Refused
from grantline.gateway.minimiser import Settings as Bounds
from grantline.gateway.minimiser import filtered
from grantline.gateway.render import render
from grantline.gateway.rendered import Rendered
from grantline.model.decision import Call, Obligation
from grantline.model.ids import ApiId

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# The answer passes the minimiser in this process.
ENFORCES = frozenset({Obligation.FIELD_ALLOW_LIST})
# The application believes the signed context alone; nothing of the caller's may look like it, or like the token.
_STRIPPED = {b"authorization", b"dpop", b"grantline-purpose", CONTEXT.encode()}


class Enforced:
    """`app` behind this gateway. `base`: external URL of the API, as clients and their proofs say it."""

    def __init__(
        self, app: Application, gateway: Gateway, api: ApiId, base: str, *, bounds: Bounds | None = None
    ) -> None:
        self._app, self._gateway, self._api = app, gateway, api
        self._base, self._bounds = base.rstrip("/"), bounds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Decide a call before the application sees it. Only HTTP can be delegated."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            raise RuntimeError(f"a {scope['type']} call cannot be delegated")
        described = self._gateway.metadata(self._api)
        if described is not None and described.answers(scope["method"], scope["path"]):
            return await _describe(described, scope, send)
        answer = await self._gateway.decide(self._read(scope))
        match answer:
            case Admitted():
                return await self._pass_on(answer, scope, receive, send)
            case Refused():
                told = render(answer, None if described is None else described.url(self._base))
                return await _answer(told, scope, send)

    def _read(self, scope: Message) -> Call:
        headers: dict[str, tuple[str, ...]] = {}
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("latin-1").lower()
            headers[name] = (*headers.get(name, ()), raw_value.decode("latin-1"))
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        return Call(scope["method"], path, query, self._base + path, headers, self._api, ENFORCES, _x5t(scope))

    async def _pass_on(self, admitted: Admitted, scope: Message, receive: Receive, send: Send) -> None:
        """Nothing is awaited before the application has the call; however it ends, that is told."""
        permit, count = admitted.permit, _Count(send, admitted.nonce)
        began = time.perf_counter()
        try:
            app = self._app
            if permit.filter is not None:
                app = filtered(app, permit.filter, evaluation=permit.evaluation, bounds=self._bounds)
            inner = {**scope, "headers": [*_without_ours(scope), (CONTEXT.encode(), admitted.context.encode())]}
            admitted.departure.left()
            await app(inner, receive, count)
        finally:
            ms = (time.perf_counter() - began) * 1_000
            self._gateway.finish(admitted, status=count.status, sent=count.sent, ms=ms)


def _x5t(scope: Message) -> str | None:
    """Thumbprint of the certificate of this very connection (ASGI TLS extension); headers say nothing about it."""
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain", ())
    try:
        return thumbprint(from_pem(chain[0])) if chain else None
    except CertificateInvalid:
        return None


class _Count:
    """Passes an answer on, counts it, and adds a fresh nonce to its headers."""

    def __init__(self, send: Send, nonce: str | None) -> None:
        self._send, self._nonce = send, nonce
        self.status: int | None = None
        self.sent = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._nonce is not None:
                headers = [*message.get("headers", ()), (b"dpop-nonce", self._nonce.encode())]
                message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
        await self._send(message)


def _without_ours(scope: Message) -> list[tuple[bytes, bytes]]:
    return [
        (name, value)
        for name, value in scope["headers"]
        if name.lower() not in _STRIPPED and not name.lower().startswith(b"x-grantline-")
    ]


async def _describe(described: ResourceMetadata, scope: Message, send: Send) -> None:
    """The API's own metadata: no call that could be delegated, and nothing to decide (RFC 9728 §3)."""
    await _answer(described.told(), scope, send)


async def _answer(told: Rendered, scope: Message, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in told.headers]
    headers.append((b"content-length", str(len(told.body)).encode()))
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else told.body})
