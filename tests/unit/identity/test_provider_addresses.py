"""Where a provider, and whoever answers for it, may lead this server: a real TLS server, and a resolver in hand."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from grantline.fetching import Fetcher, FetchSettings
from grantline.identity import GuardedFetch, LoopbackFetch, Provider, Unreachable, UpstreamSettings
from grantline.identity.methods.upstream import Refused
from tests.authorization_world import HandClock
from tests.client_servers import LOOPBACK, Answer, ClientServer, answers_of, client_server

DISCOVERY = "/.well-known/openid-configuration"
INSIDE = FetchSettings(private_hosts=("id.test",), seconds=5.0)
BACK = {"back": "https://as.example/back", "verifier": "v", "nonce": "n"}
GUARDED = "the host is not|addresses of db.corp.test|with a user name"
FORWARDING = Answer(status=302, headers=(("location", "https://id.test/elsewhere"),))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ClientServer]:
    """A company's own provider, inside its network."""
    async with client_server(tmp_path, "id.test") as made:
        yield made


def metadata(server: ClientServer, **changes: str) -> Answer:
    """Its discovery document, with these members changed."""
    own = {name: server.url(f"/{name}") for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    return Answer(json.dumps({"issuer": server.url(""), **own, **changes}).encode())


@asynccontextmanager
async def provider(
    server: ClientServer, settings: FetchSettings = INSIDE, resolve: Any = None, **names: Sequence[str]
) -> AsyncIterator[Provider]:
    """As the authority asks it. `names`: what `id.test` and others resolve to, dots as underscores."""
    known = {name.replace("_", "."): addresses for name, addresses in {"id_test": [LOOPBACK], **names}.items()}
    clock = HandClock()
    async with Fetcher(clock, settings, resolve=resolve or answers_of(known), tls=server.trusts) as fetcher:
        own = UpstreamSettings(name="corp", title="Corp", issuer=server.url(""), client_id="grantline")
        yield Provider(own, GuardedFetch(fetcher), clock, lambda: "a secret")


async def test_a_provider_inside_is_asked_when_the_operator_names_it(server: ClientServer) -> None:
    """The secret goes to the token endpoint, and nowhere else."""
    server.answers |= {DISCOVERY: metadata(server), "/token_endpoint": Answer(b"{}")}
    async with provider(server) as asked:
        with pytest.raises(Refused, match="no ID token"):
            await asked.account({"code": "c"}, **BACK)
    (first, second) = server.asked
    assert first.startswith(f"GET {DISCOVERY} ")
    assert "authorization" not in first.lower()
    basic = base64.b64encode(b"grantline:a%20secret").decode()
    assert f"authorization: Basic {basic}" in second
    assert second.endswith("code_verifier=v&client_id=grantline")


async def test_a_provider_inside_that_nobody_named_is_not_dialled(server: ClientServer) -> None:
    """Covers: check 133."""
    server.answers[DISCOVERY] = metadata(server)
    async with provider(server, FetchSettings()) as asked:
        with pytest.raises(Unreachable, match=r"the host is not a full name|addresses of id\.test"):
            await asked.discovered()
    assert server.connections == 0


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
async def test_no_name_leads_to_a_metadata_service_even_when_it_is_allowed(server: ClientServer, address: str) -> None:
    """Covers: check 133."""
    async with provider(server, id_test=[address]) as asked:
        with pytest.raises(Unreachable, match=r"addresses of id\.test"):
            await asked.discovered()


async def test_a_name_that_leads_elsewhere_the_second_time_is_not_followed(server: ClientServer) -> None:
    """DNS rebinding between discovery and the token endpoint. Covers: check 133."""
    server.answers |= {DISCOVERY: metadata(server), "/token_endpoint": Answer(b"{}")}
    given = [[LOOPBACK], ["169.254.169.254"]]

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return given.pop(0)

    async with provider(server, resolve=rebinding) as asked:
        with pytest.raises(Unreachable, match=r"addresses of id\.test: 169"):
            await asked.account({"code": "c"}, **BACK)
    assert (given, server.paths()) == ([], [DISCOVERY])


@pytest.mark.parametrize(
    "inside",
    [
        "https://127.0.0.1:8400/token", "https://[::1]/token", "https://2130706433/token", "https://intranet/token",
        "https://10.0.0.1/latest", "https://db.corp.test/token", "https://id.test@db.corp.test/token",
    ],
)  # fmt: skip
async def test_metadata_that_names_an_address_inside_gets_no_answer_from_there(
    server: ClientServer, inside: str
) -> None:
    """The provider itself may be inside; what it names may not, unless it is named too. Covers: check 133."""
    server.answers[DISCOVERY] = metadata(server, token_endpoint=inside, jwks_uri=inside)
    async with provider(server, db_corp_test=["10.0.0.7"], intranet=["10.0.0.8"]) as asked:
        with pytest.raises(Unreachable, match=GUARDED):
            await asked.account({"code": "c"}, **BACK)
    assert server.paths() == [DISCOVERY]


@pytest.mark.parametrize("plain", ["http://127.0.0.1:8400/token", "http://localhost/token", "file:///etc/passwd"])
async def test_metadata_of_a_provider_elsewhere_never_leads_to_plain_http_here(
    server: ClientServer, plain: str
) -> None:
    """Covers: check 133."""
    for member in ("token_endpoint", "jwks_uri", "authorization_endpoint"):
        server.answers[DISCOVERY] = metadata(server, **{member: plain})
        async with provider(server) as asked:
            with pytest.raises(Refused, match="is not https"):
                await asked.discovered()


@pytest.mark.parametrize(
    "answer",
    [FORWARDING, Answer(b" " * 65_537), Answer(content_type="text/html"), Answer(status=500), Answer(b"not JSON")],
    ids=["redirect", "large", "a page", "error", "no JSON"],
)
async def test_what_is_no_small_answer_of_a_provider_is_not_read(server: ClientServer, answer: Answer) -> None:
    """Also from the token endpoint. Covers: check 133."""
    server.answers |= {DISCOVERY: metadata(server), "/token_endpoint": answer, "/elsewhere": Answer()}
    async with provider(server) as asked:
        with pytest.raises(Unreachable):
            await asked.account({"code": "c"}, **BACK)
    server.answers[DISCOVERY] = answer
    async with provider(server) as asked:
        with pytest.raises((Unreachable, Refused)):
            await asked.discovered()
    assert "/elsewhere" not in server.paths()


def getting(fetch: LoopbackFetch, url: str) -> Awaitable[bytes]:
    return fetch.get(url)


def posting(fetch: LoopbackFetch, url: str) -> Awaitable[bytes]:
    return fetch.post(url, {}, {})


@pytest.mark.parametrize("ask", [getting, posting])
async def test_a_provider_on_this_machine_leads_nowhere_else(
    ask: Callable[[LoopbackFetch, str], Awaitable[bytes]],
) -> None:
    """Covers: check 133."""
    reached: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        reached.append(request.url.host)
        return httpx2.Response(200, content=b"{}")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        for url in (
            "http://10.0.0.1/",
            "https://localhost/",
            "http://localhost.evil.example/",
            "http://169.254.169.254/",
        ):
            with pytest.raises(Unreachable, match="not on this machine"):
                await ask(LoopbackFetch(http), url)
        assert await ask(LoopbackFetch(http), "http://localhost:9000/") == b"{}"
    assert reached == ["localhost"]
