"""The MCP Python SDK, from the 401 of an API it has never seen to calls with a token of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import anyio.to_thread
import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.conformance.clients.served import CALLBACK, Served


class Kept:
    """The SDK's storage: a client that was registered beforehand, and the tokens it got, all of them."""

    def __init__(self) -> None:
        self.client = OAuthClientInformationFull(
            client_id="mcp-app", redirect_uris=[CALLBACK], token_endpoint_auth_method="none"
        )
        self.tokens: list[OAuthToken] = []

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("it was registered beforehand")


@contextmanager
def _api(authority: Served) -> Iterator[None]:
    """An API that sends those without a live token to the authority, which it asks about every other one."""
    about = f"{authority.issuer}/.well-known/oauth-protected-resource{urlsplit(authority.mcp).path}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            asked = httpx2.post(
                f"{authority.issuer}/introspect", data={"token": token or "none"}, auth=("mcp-api", authority.secret),
                trust_env=False,
            ).json()  # fmt: skip
            if asked["active"] and asked["aud"] in (authority.mcp, [authority.mcp]):
                self.send_response(200)
            else:
                self.send_response(401)
                self.send_header("www-authenticate", f'Bearer resource_metadata="{about}", scope="mcp.events"')
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_told: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", urlsplit(authority.mcp).port or 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


async def test_it_finds_its_way_from_a_refusal_and_renews_its_token(authority: Served) -> None:
    """Metadata of the API, of the authority, PKCE, `resource`, `iss`, refresh; with a client registered beforehand."""
    kept, opened = Kept(), list[str]()

    async def open_browser(url: str) -> None:
        opened.append(url)

    async def come_back() -> AuthorizationCodeResult:
        back = httpx2.URL(await anyio.to_thread.run_sync(authority.allow, opened[-1]))
        return AuthorizationCodeResult(code=back.params["code"], state=back.params["state"], iss=back.params["iss"])

    about = OAuthClientMetadata(redirect_uris=[CALLBACK], token_endpoint_auth_method="none")
    provider = OAuthClientProvider(authority.mcp, about, kept, open_browser, come_back)
    with _api(authority):
        async with httpx2.AsyncClient(auth=provider, trust_env=False) as http:
            assert (await http.get(authority.mcp)).status_code == 200
            # Time passes for the SDK: it renews before it calls.
            provider.context.token_expiry_time = 1
            assert (await http.get(authority.mcp)).status_code == 200
    assert len(opened) == 1
    assert httpx2.URL(opened[0]).params["resource"] == authority.mcp
    first, second = kept.tokens
    assert first.access_token != second.access_token
    assert first.refresh_token != second.refresh_token
