"""The MCP Python SDK, from the 401 of an API it has never seen to calls with a token of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.conformance.clients.declared import CALLBACK
from tests.conformance.clients.mcp_api import api
from tests.conformance.clients.served import Served

ABOUT: dict[str, Any] = {
    "client_name": "An agent", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
}  # fmt: skip


class Kept:
    """The SDK's storage: a client, if one was registered beforehand, and the tokens it got, all of them."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.client = client
        self.tokens: list[OAuthToken] = []

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Agent:
    """The SDK, and the person's browser. `opened`: what it was sent to; `document`: the agent's, if it has one."""

    authority: Served
    kept: Kept = field(default_factory=Kept)
    document: str | None = None
    opened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.provider = OAuthClientProvider(
            self.authority.mcp, OAuthClientMetadata(**ABOUT), self.kept, self._open, self._come_back,
            client_metadata_url=self.document,
        )  # fmt: skip

    async def _open(self, url: str) -> None:
        self.opened.append(url)

    async def _come_back(self) -> AuthorizationCodeResult:
        back = httpx2.URL(await anyio.to_thread.run_sync(self.authority.allow, self.opened[-1]))
        return AuthorizationCodeResult(code=back.params["code"], state=back.params["state"], iss=back.params["iss"])

    async def run(self, does: Callable[[Client], Awaitable[None]], *, initial: str | None = None) -> None:
        """Do it connected. `initial`: the token by which it registers itself."""

        async def with_token(request: httpx2.Request) -> None:
            if initial and request.url.path == "/register":
                request.headers["authorization"] = f"Bearer {initial}"

        hooks: dict[str, Any] = {"request": [with_token]}
        async with (
            httpx2.AsyncClient(auth=self.provider, trust_env=False, event_hooks=hooks) as http,
            Client(streamable_http_client(self.authority.mcp, http_client=http)) as client,
        ):
            await does(client)

    def asked(self) -> list[set[str]]:
        """The scopes of each request to the person."""
        return [_of_the_api(httpx2.URL(url).params["scope"]) for url in self.opened]

    def granted(self) -> set[str]:
        """Of the newest token."""
        return _of_the_api(self.kept.tokens[-1].scope or "")


def _of_the_api(scope: str) -> set[str]:
    """The SDK asks for `offline_access` wherever a server offers it."""
    return set(scope.split()) - {"offline_access"}


async def _list(client: Client) -> None:
    assert [tool.name for tool in (await client.list_tools()).tools] == ["notes"]


async def test_it_finds_its_way_from_a_refusal_and_renews_its_token(authority: Served) -> None:
    """Metadata of the API, of the authority, PKCE, `resource`, `iss`, refresh; with a client registered beforehand."""
    known = OAuthClientInformationFull(
        client_id="mcp-app", redirect_uris=[CALLBACK], token_endpoint_auth_method="none", issuer=authority.issuer
    )
    agent = Agent(authority, Kept(known))

    async def twice(client: Client) -> None:
        await _list(client)
        # Time passes for the SDK: it renews before it calls.
        agent.provider.context.token_expiry_time = 1
        await _list(client)

    with api(authority):
        await agent.run(twice)
    assert len(agent.opened) == 1
    assert httpx2.URL(agent.opened[0]).params["resource"] == authority.mcp
    first, second = agent.kept.tokens
    assert first.access_token != second.access_token
    assert first.refresh_token != second.refresh_token


@pytest.mark.parametrize("way", ["document", "registration"])
async def test_an_agent_that_nobody_declared_asks_for_more_when_it_needs_more(authority: Served, way: str) -> None:
    """Client ID Metadata Document, or registration by an initial token; then step-up at the 403 of a tool."""
    document = authority.host.publish("/python.json", **ABOUT) if way == "document" else None
    agent = Agent(authority, document=document)

    async def step_up(client: Client) -> None:
        assert client.protocol_version == "2026-07-28"
        await _list(client)
        assert agent.granted() == {"mcp.events"}
        called = await client.call_tool("notes", {})
        assert called.content[0].text == "call the bank"  # type: ignore[union-attr]

    with api(authority):
        await agent.run(step_up, initial=authority.initial)
    assert agent.kept.client is not None
    assert (agent.kept.client.client_id == document) is (way == "document")
    assert agent.asked() == [{"mcp.events"}, {"mcp.events", "mcp.notes"}]
    assert agent.granted() == {"mcp.events", "mcp.notes"}
