"""An API for agents: the MCP SDK's own server behind a guard that asks the authority about every token."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from tests.conformance.clients.served import Served

Asgi = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


def notes() -> str:
    """What the person wrote down."""
    return "call the bank"


class Guard:
    """Everything takes `mcp.events`; calling a tool takes `mcp.notes` as well."""

    def __init__(self, inner: Asgi, authority: Served) -> None:
        self._inner, self._authority = inner, authority
        self._about = f"{authority.issuer}/.well-known/oauth-protected-resource{urlsplit(authority.mcp).path}"

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        """Pass on, or answer 401 without a live token for this API, 403 without the scope."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        body = await _body(receive)
        method = json.loads(body or b"{}").get("method")
        needs = ["mcp.events", "mcp.notes"] if method == "tools/call" else ["mcp.events"]
        asked = await self._introspect(scope)
        if not asked["active"] or asked["aud"] not in (self._authority.mcp, [self._authority.mcp]):
            await self._refuse(send, 401, f'scope="{" ".join(needs)}"')
        elif not set(needs) <= set(asked["scope"].split()):
            await self._refuse(send, 403, f'error="insufficient_scope", scope="{" ".join(needs)}"')
        else:
            await self._inner(scope, _again(body, receive), send)

    async def _introspect(self, scope: dict[str, Any]) -> Any:
        sent = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"{self._authority.issuer}/introspect", data={"token": sent or "none"},
                auth=("mcp-api", self._authority.secret),
            )  # fmt: skip
        return answer.json()

    async def _refuse(self, send: Any, status: int, why: str) -> None:
        told = f'Bearer resource_metadata="{self._about}", {why}'.encode()
        headers = [(b"www-authenticate", told), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _again(body: bytes, receive: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """The body that was read, then whatever else the connection says."""
    first = [{"type": "http.request", "body": body}]

    async def replay() -> Any:
        return first.pop() if first else await receive()

    return replay


@contextmanager
def api(authority: Served) -> Iterator[None]:
    """Listens where the catalog says that the API for agents is, until the block ends."""
    place = urlsplit(authority.mcp)
    made = MCPServer("events")
    made.add_tool(notes)
    security = TransportSecuritySettings(allowed_hosts=[place.netloc])
    inner = made.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
    config = uvicorn.Config(Guard(inner, authority), port=place.port or 0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    held = config.bind_socket()
    # Whoever is quicker than the server waits for it.
    held.listen()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([held])), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
