"""A real Envoy with the generated configuration: decided first, filtered when asked, closed when in doubt."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.flows.minimiser.hostile import CUT, GOOD, MARK, Upstream
from tests.flows.minimiser.surfaces import Gateway, ThroughEnvoy, envoy

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPOOFED = (
    ("grantline-context", "spoofed"),
    ("x-grantline-filter", "0"),
    ("x-grantline-evaluation", "spoofed"),
    ("X-Grantline-Subject", "spoofed"),
    ("x-http-method-override", "DELETE"),
    ("x-original-url", "/spoofed"),
    ("dpop", "secret"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("gw")
    async with Upstream() as upstream, Gateway(directory, upstream).running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(gateway: Gateway) -> AsyncIterator[ThroughEnvoy]:
    async with envoy(gateway) as running:
        yield running


@contextlib.contextmanager
def deciding(gateway: Gateway, marks: dict[str, str]):
    """For a while the decision service answers an allow with these headers."""
    before, gateway.marks = gateway.marks, marks
    yield
    gateway.marks = before


async def test_a_filtered_call_is_cut(proxy: ThroughEnvoy) -> None:
    got = await proxy.fetch("/case/plain")
    assert (got.status, got.body) == (200, CUT)


@pytest.mark.parametrize("body", [b"x", b"x" * 300_000])
async def test_a_request_body_passes_the_decision_and_the_hop(gateway, proxy, body) -> None:
    got = await proxy.fetch("/case/created", "POST", body=body)
    assert (got.status, got.body, gateway.upstream.bodies[-1]) == (201, CUT, body)


async def test_a_call_without_obligation_goes_straight_to_the_upstream(gateway: Gateway, proxy: ThroughEnvoy) -> None:
    with deciding(gateway, {"x-grantline-filter": ""}):
        got = await proxy.fetch("/case/plain")
    assert (got.status, got.body) == (200, GOOD)
    assert b"grantline-context" in gateway.upstream.heads[-1]


@pytest.mark.parametrize("marks", [{}, {"x-grantline-filter": "0"}, {"x-grantline-filter": "1,1"}])
async def test_an_allow_that_does_not_say_whether_to_filter_leads_nowhere(gateway, proxy, marks) -> None:
    seen = len(gateway.upstream.heads)
    with deciding(gateway, marks):
        got = await proxy.fetch("/case/plain", headers=(("x-grantline-filter", ""),))
    assert (got.status, len(gateway.upstream.heads)) == (503, seen)
    assert MARK not in got.raw


@pytest.mark.parametrize("filtering", ["1", ""])
async def test_spoofed_headers_and_the_token_never_reach_the_upstream(gateway, proxy, filtering) -> None:
    with deciding(gateway, {"x-grantline-filter": filtering}):
        got = await proxy.fetch("/case/plain", headers=SPOOFED)
    head = gateway.upstream.heads[-1].lower()
    assert got.status == 200
    assert not [word for word in (b"spoofed", b"secret", b"delete", b"bearer", b"x-grantline-sub") if word in head]


async def test_a_denial_is_told_and_nothing_else_happens(gateway: Gateway, proxy: ThroughEnvoy) -> None:
    seen = len(gateway.upstream.heads)
    got = await proxy.fetch("/case/plain", token="bad")
    assert (got.status, got.headers["www-authenticate"], len(gateway.upstream.heads)) == (401, "Bearer", seen)


@pytest.mark.parametrize("path", ["/case%2Fplain", "/case%5Cplain", "/x%2f..%2fcase/plain"])
async def test_paths_that_could_be_read_two_ways_are_refused(gateway, proxy, path) -> None:
    seen = len(gateway.upstream.heads)
    got = await proxy.fetch(path)
    assert (got.status, len(gateway.upstream.heads)) == (400, seen)


@pytest.mark.parametrize(
    ("path", "seen"), [("/x/../case/plain", b"/case/plain"), ("/x/%2e%2e/case/plain", b"/case/plain"),
                       ("//case/plain", b"//case/plain"), ("/./case/./plain?a=/../b", b"/case/plain?a=/../b")]
)  # fmt: skip
async def test_the_decision_and_the_upstream_read_one_path(gateway, proxy, path, seen) -> None:
    """The context binds the path's hash, so 200 says that the decision saw what the upstream got."""
    got = await proxy.fetch(path)
    assert (got.status, gateway.upstream.heads[-1].split(b" ")[1]) == (200, seen)


async def test_headers_with_underscores_are_refused(proxy: ThroughEnvoy) -> None:
    got = await proxy.fetch("/case/plain", headers=(("grantline_context", "x"),))
    assert got.status == 400


async def test_an_upgrade_is_not_possible(proxy: ThroughEnvoy) -> None:
    headers = (("upgrade", "websocket"), ("authorization", "Bearer good"))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"GET /case/plain HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n{lines}\r\n".encode())
    answer = await reader.readline()
    writer.close()
    assert b"403" in answer


async def logged(proxy: ThroughEnvoy, request_id: str) -> dict[str, str]:
    """The log's line about a call; it is written a moment after the answer, and a file tells nobody that it grew."""
    async with asyncio.timeout(10):
        while not (lines := [line for line in proxy.log.read_text().splitlines() if request_id in line]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return json.loads(lines[0])


async def test_the_log_tells_each_call_and_none_of_its_contents(proxy: ThroughEnvoy) -> None:
    now_us = time.time_ns() // 1_000
    got = await proxy.fetch("/case/plain?q=private", headers=(("x-private", "private"),))
    refused = await proxy.fetch("/case/plain", token="bad")
    allowed, denied = [await logged(proxy, each.headers["x-request-id"]) for each in (got, refused)]
    assert (allowed["status"], allowed["route"], allowed["method"]) == (200, "filtered", "GET")
    assert allowed["evaluation"].startswith("e")
    assert now_us <= int(allowed["start_us"]) < now_us + 10_000_000
    assert 0 <= allowed["to_upstream_us"] < 10_000_000
    assert (denied["status"], denied["denied_evaluation"]) == (401, "denied-1")
    text = proxy.log.read_text()
    assert not [word for word in ("private", "Bearer", "good", "/case") if word in text]


async def test_without_its_minimiser_or_decision_service_nothing_passes(tmp_path: Path) -> None:
    async with Upstream() as upstream, Gateway(tmp_path, upstream).running() as gateway, envoy(gateway) as proxy:
        assert (await proxy.fetch("/case/plain")).body == CUT
        seen = len(upstream.heads)
        for part, ended_by in ((gateway.hop, "UF"), (gateway.decision, "UAEX")):
            await part.end()
            got = await proxy.fetch("/case/plain")
            assert (got.status, len(upstream.heads)) == (503, seen)
            assert MARK not in got.raw
            # Routes alone would stop the call too; the log says which of the two did.
            assert ended_by in (await logged(proxy, got.headers["x-request-id"]))["flags"]
