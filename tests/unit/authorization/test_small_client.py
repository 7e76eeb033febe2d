"""The client that apps use refuses answers it should not believe."""

from typing import Any

import httpx2
import pytest

from grantline.sdk.client import AccessRefused, Begun, Client, Prover

ISSUER = "https://as.example"
GOOD: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "pushed_authorization_request_endpoint": f"{ISSUER}/par",
    "revocation_endpoint": f"{ISSUER}/revoke",
    "code_challenge_methods_supported": ["S256"],
}
BEGUN = Begun(f"{ISSUER}/authorize", "st", "v" * 43, "https://app.example/cb")


def client(metadata: Any = GOOD, token: httpx2.Response | None = None) -> tuple[Client, list[str]]:
    """The client, and the paths that it called."""
    called: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        called.append(request.url.path)
        if request.url.path.startswith("/.well-known"):
            return httpx2.Response(200, json=metadata)
        return token or httpx2.Response(500)

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return Client(http, ISSUER, Prover("app"), "https://app.example/cb"), called


@pytest.mark.parametrize(
    "change",
    [{"issuer": "https://evil.example"}, {"code_challenge_methods_supported": ["plain"]}, {"token_endpoint": None}],
)
async def test_metadata_of_another_server_or_without_s256_is_refused(change: dict[str, Any]) -> None:
    """Covers: check 125 (the client's side); RFC 8414 §3.3."""
    app, _ = client({**GOOD, **change})
    with pytest.raises(AccessRefused):
        await app.begin(scope="a")


@pytest.mark.parametrize(
    "query",
    [
        "code=c&state=st",
        "code=c&state=st&iss=https://evil.example",
        f"code=c&iss={ISSUER}",
        f"code=c&state=other&iss={ISSUER}",
        f"code=c&code=d&state=st&iss={ISSUER}",
        f"error=access_denied&state=st&iss={ISSUER}",
    ],
)
async def test_a_code_from_a_doubtful_answer_is_sent_nowhere(query: str) -> None:
    """Covers: check 12 (the client's side); peers' advisory 24."""
    app, called = client()
    with pytest.raises(AccessRefused):
        await app.finish(BEGUN, f"https://app.example/cb?{query}")
    assert called == []


async def test_an_answer_that_is_no_token_is_refused() -> None:
    """Covers: bad input (from a server)."""
    for answer in (httpx2.Response(200, content=b"<html>"), httpx2.Response(200, json={"access_token": 7})):
        app, _ = client(token=answer)
        with pytest.raises(AccessRefused, match="invalid_response"):
            await app.finish(BEGUN, f"https://app.example/cb?code=c&state=st&iss={ISSUER}")
