"""Our own small ASGI router for the endpoints that machines call."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from msgspec.structs import replace

from grantline.authorization.doors import FRONT, Door
from grantline.authorization.http import Request, Response, json_response
from grantline.model.errors import (
    AuditUnavailable,
    GrantlineError,
    InvalidClient,
    InvalidConfiguration,
    OAuthError,
    TemporarilyUnavailable,
)

Handler = Callable[[Request], Awaitable[Response]]
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY = 64 * 1024
_log = structlog.get_logger("grantline.authorization")
_CORS = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"dpop-nonce, www-authenticate"))
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, dpop"),
    (b"access-control-max-age", b"600"),
)


class Router:
    """An ASGI application: path and method to handler. Errors of the OAuth family become answers here alone.

    `routes`: path → method → handler. `shared`: paths that scripts of other origins may call (never authorize).
    `base`: the path of the issuer, where it has one. `families`: paths whose handlers answer for all below them too.
    `nonce`: what the next proof has to carry, told to whoever sends proofs (RFC 9449 §8.2).
    """

    def __init__(
        self,
        routes: Mapping[str, Mapping[str, Handler]],
        shared: frozenset[str] = frozenset(),
        nonce: Callable[[], str] | None = None,
        door: Door = FRONT,
        *,
        base: str = "",
        families: tuple[str, ...] = (),
    ) -> None:
        self._families = families
        self._base = base
        self._door = door
        self._routes = routes
        self._shared = shared
        self._nonce = nonce

    def knows(self, path: str) -> bool:
        """True if this router answers for the path."""
        return self._route(self._own(path)) in self._routes

    def _route(self, path: str) -> str:
        """The path under which the handler of this one stands."""
        if path in self._routes:
            return path
        return next((family for family in self._families if path.startswith(f"{family}/")), path)

    def _own(self, path: str) -> str:
        """The path below the issuer; a well-known one may stand before the issuer's own too (RFC 8414 §3.1)."""
        if path.startswith("/.well-known/") and path.endswith(self._base):
            return path.removesuffix(self._base) if self._base else path
        return path.removeprefix(self._base) if path.startswith(f"{self._base}/") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError(f"these endpoints speak HTTP, not {scope['type']}")
        path = self._own(scope["path"])
        route = self._route(path)
        response = await self._answer(scope, path, route, receive)
        extra = _CORS if route in self._shared else ()
        length = (b"content-length", str(len(response.body)).encode())
        headers = [*response.headers, *extra, *self._nonce_for(scope), length]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    def _nonce_for(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        if self._nonce is None or all(name.lower() != b"dpop" for name, _ in scope["headers"]):
            return ()
        return ((b"dpop-nonce", self._nonce().encode()),)

    async def _answer(self, scope: Scope, path: str, route: str, receive: Receive) -> Response:
        methods = self._routes.get(route)
        if methods is None:
            return json_response({"error": "not_found"}, 404)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method == "OPTIONS" and route in self._shared:
            return Response(204, b"", _PREFLIGHT)
        handler = methods.get(method)
        if handler is None:
            allowed = ", ".join(methods).encode()
            return json_response({"error": "invalid_request"}, 405, (b"allow", allowed))
        body = await _body(receive)
        if body is None:
            return json_response(_shape("invalid_request", "The request is larger than this endpoint accepts."), 413)
        return await _guarded(handler, self._door, scope, _request(scope, path, body))


async def _guarded(handler: Handler, door: Door, scope: Scope, request: Request) -> Response:
    try:
        certificates = door.certificates(scope, request.headers)
        return await handler(replace(request, certificates=certificates, base=door.base))
    except AuditUnavailable as error:
        return error_response(TemporarilyUnavailable(error.message, detail=error.detail), request)
    except InvalidConfiguration as error:
        unready = TemporarilyUnavailable("This server is not set up yet.", detail=error.message)
        return error_response(unready, request)
    except GrantlineError as error:
        return error_response(error, request)
    except Exception:
        reference = secrets.token_hex(6)
        _log.exception("endpoint failed", path=request.path, reference=reference)
        return json_response(_shape("server_error", f"Something failed here; reference {reference}."), 500)


def error_response(error: GrantlineError, request: Request) -> Response:
    """The answer to the caller (RFC 6749 §5.2); what only the operator may know goes to the log."""
    code, status = (error.code, error.status) if isinstance(error, OAuthError) else ("invalid_request", 400)
    _log.info("refused", path=request.path, error=code, message=error.message, detail=error.detail)
    # Only who tried with the header is answered with it: browsers would ask people for a password (RFC 6749 §5.2).
    tried = isinstance(error, InvalidClient) and request.values("authorization")
    challenge = ((b"www-authenticate", b'Basic realm="grantline"'),) if tried else ()
    return json_response(_shape(code, error.message), status, *challenge)


def _shape(code: str, message: str) -> dict[str, str]:
    return {"error": code, "error_description": message}


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None if it is too large."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _request(scope: Scope, path: str, body: bytes) -> Request:
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        headers[key] = (*headers.get(key, ()), value.decode("latin-1"))
    client = scope.get("client")
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(scope["method"], path, query, headers, body, client[0] if client else "")
