"""The MCP SDK for Node in both generations: 1, which most agents are made with, and 2, which speaks 2026-07-28."""

from typing import Any

import pytest

from tests.conformance.clients.declared import CALLBACK
from tests.conformance.clients.mcp_api import api
from tests.conformance.clients.programs import run
from tests.conformance.clients.served import Served

FIRST, SECOND = "@modelcontextprotocol/sdk", "@modelcontextprotocol/client"
CODE, RENEWS = ["authorization_code"], ["authorization_code", "refresh_token"]


def _about(grants: list[str]) -> dict[str, Any]:
    return {
        "client_name": "An agent", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "grant_types": grants,
    }  # fmt: skip


def _of_the_api(scopes: list[str]) -> set[str]:
    """The second generation asks for `offline_access` wherever a server offers it."""
    return set(scopes) - {"offline_access"}


# Generation 1 renews what it holds instead of asking for more, wherever it can renew; so there it cannot.
@pytest.mark.parametrize(
    ("sdk", "grants", "protocol"), [(FIRST, CODE, "2025-11-25"), (SECOND, RENEWS, "2026-07-28")], ids=["1", "2"]
)
def test_an_agent_with_a_document_asks_for_more_when_a_tool_needs_more(
    authority: Served, node_packages: None, sdk: str, grants: list[str], protocol: str
) -> None:
    """Covers: line 5; 9728, 8414, a Client ID Metadata Document, PKCE, `resource`, `iss`, step-up at a 403."""
    about = _about(grants)
    document = authority.host.publish(f"/node-{len(grants)}.json", **about)
    with api(authority):
        saw = run(authority, "mcp.js", sdk=sdk, mcp=authority.mcp, about=about, document=document, calls=True)
    assert (saw["client"], saw["tools"], saw["said"]) == (document, ["notes"], "call the bank")
    assert saw["protocol"] == protocol
    assert saw["resources"] == [authority.mcp, authority.mcp]
    both = {"mcp.events", "mcp.notes"}
    assert [_of_the_api(asked) for asked in saw["asked"]] == [{"mcp.events"}, both]
    assert _of_the_api(saw["granted"]) == both
    assert saw["renewed"] is (True if grants == RENEWS else None)


@pytest.mark.parametrize("sdk", [FIRST, SECOND], ids=["1", "2"])
def test_an_agent_with_an_initial_token_registers_and_renews(authority: Served, node_packages: None, sdk: str) -> None:
    """Covers: line 5; RFC 7591 as the SDK does it, then the same flow, and refresh with rotation."""
    told: dict[str, Any] = {"sdk": sdk, "mcp": authority.mcp, "about": _about(RENEWS)}
    with api(authority):
        saw = run(authority, "mcp.js", **told, initial=authority.initial, calls=False)
    assert not saw["client"].startswith("https://")
    assert (saw["tools"], saw["renewed"]) == (["notes"], True)
    assert [_of_the_api(asked) for asked in saw["asked"]] == [{"mcp.events"}]


@pytest.mark.parametrize("sdk", [FIRST, SECOND], ids=["1", "2"])
def test_without_a_document_or_a_token_it_stays_outside(authority: Served, node_packages: None, sdk: str) -> None:
    """Nobody registers by themselves; the SDK says why."""
    told: dict[str, Any] = {"sdk": sdk, "mcp": authority.mcp, "about": _about(RENEWS), "calls": False}
    with api(authority), pytest.raises(AssertionError, match="Send the access token for registrations"):
        run(authority, "mcp.js", **told)
