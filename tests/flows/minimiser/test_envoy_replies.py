"""What a client reads when a call ends in Envoy itself: always a problem document, never a bare status."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from grantline.model.reasons import ANSWERS, Reason
from tests.flows.minimiser.hostile import Upstream
from tests.flows.minimiser.surfaces import Gateway, Got, ThroughEnvoy, envoy, exchange

pytestmark = [pytest.mark.envoy, pytest.mark.asyncio(loop_scope="module")]


def problem_of(got: Got) -> dict[str, Any]:
    """The problem document, after what every one of them must keep."""
    assert got.headers["content-type"] == "application/problem+json"
    assert got.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = orjson.loads(got.body)
    assert problem["status"] == got.status
    return problem


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("gw")
    async with Upstream() as upstream, Gateway(directory, upstream).running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(gateway: Gateway) -> AsyncIterator[ThroughEnvoy]:
    async with envoy(gateway) as running:
        yield running


async def test_while_the_decision_process_is_away_a_call_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Covers: I8."""
    async with Upstream() as upstream, Gateway(tmp_path, upstream).running() as gateway, envoy(gateway) as proxy:
        assert (await proxy.fetch("/case/plain")).status == 200
        await gateway.decision.end()
        got = await proxy.fetch("/case/plain", headers=(("x-grantline-evaluation", "spoofed"),))
        problem = problem_of(got)
        assert (got.status, got.headers["retry-after"]) == (503, "1")
        assert problem["type"] == "urn:grantline:reason:policy_error"
        assert (problem["reason"], problem["title"]) == ("policy_error", ANSWERS[Reason.POLICY_ERROR].title)
        assert "no evaluation" in problem["detail"]
        assert "evaluation_id" not in problem
        bare = await proxy.fetch("/case/plain", "HEAD")
        assert (bare.status, bare.body) == (503, b"")


@pytest.mark.parametrize("marks", [{}, {"x-grantline-filter": "0"}])
async def test_an_allow_that_does_not_say_how_is_told_as_a_failed_decision(
    gateway: Gateway, proxy: ThroughEnvoy, marks: dict[str, str]
) -> None:
    before, gateway.marks = gateway.marks, marks
    got = await proxy.fetch("/case/plain")
    gateway.marks = before
    problem = problem_of(got)
    assert (got.status, problem["reason"]) == (503, "policy_error")
    assert problem["evaluation_id"].startswith("e")


async def test_an_api_that_cannot_be_reached_is_no_refusal_and_names_its_evaluation(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        upstream = Upstream()
        upstream.port = nobody.getsockname()[1]
        async with Gateway(tmp_path, upstream).running() as gateway, envoy(gateway) as proxy:
            gateway.marks = {"x-grantline-filter": ""}
            got = await proxy.fetch("/case/plain")
            problem = problem_of(got)
    assert (got.status, problem["type"], problem["title"]) == (503, "about:blank", "Service Unavailable")
    assert problem["detail"] == "The API cannot be reached."
    assert problem["evaluation_id"].startswith("e")
    assert "reason" not in problem


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _too_many_headers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    lines = "".join(f"x-{number}: {'v' * 500}\r\n" for number in range(400))
    writer.write(f"HTTP/1.1 200 OK\r\n{lines}content-length: 6\r\n\r\nSECRET".encode())


async def _gibberish(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SECRET SECRET SECRET\r\n\r\n")


async def _gone(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(("answer", "status"), [(_too_many_headers, 502), (_gibberish, 502), (_gone, 503)])
async def test_an_answer_that_envoy_cannot_pass_on_is_told_without_a_word_of_it(
    tmp_path: Path, answer: Answering, status: int
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    upstream = Upstream()
    upstream.port = server.sockets[0].getsockname()[1]
    async with server, Gateway(tmp_path, upstream).running() as gateway, envoy(gateway) as proxy:
        gateway.marks = {"x-grantline-filter": ""}
        got = await proxy.fetch("/case/plain")
    assert (got.status, problem_of(got)["type"]) == (status, "about:blank")
    assert b"SECRET" not in got.raw


async def test_what_envoy_refuses_before_the_decision_is_a_problem_too(proxy: ThroughEnvoy) -> None:
    got = await proxy.fetch("/case%2Fplain")
    assert (got.status, problem_of(got)["reason"]) == (400, "request_invalid")
    got = await proxy.fetch("/case/plain", headers=(("x-much", "v" * 70_000),))
    assert (got.status, problem_of(got)["title"]) == (431, "Request Header Fields Too Large")


async def test_a_denial_keeps_its_own_words(gateway: Gateway, proxy: ThroughEnvoy) -> None:
    """The decision's own body and headers, whatever its status."""
    opened = await asyncio.open_connection("127.0.0.1", proxy.port)
    got = await exchange(opened, "GET", "/case/plain", (("authorization", "Bearer bad"),), b"")
    assert (got.status, got.headers["www-authenticate"], got.body) == (401, "Bearer", b"")
