"""The hop carries a permitted call on, and nothing else; it tells what became of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from grantline.gateway.minimiser import Address, Hop, Outcome, Pending
from grantline.gateway.minimiser import Upstream as Pool
from tests.flows.minimiser.hostile import BOUNDS, CUT, CUT_LINE, LINE, MARK, OBLIGATION, Upstream
from tests.flows.minimiser.surfaces import Gateway, ThroughHop, exchange

UNFIT = (
    ("accept-encoding", "gzip"),
    ("range", "bytes=0-9"),
    ("if-none-match", '"a"'),
    ("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT"),
    ("if-range", '"a"'),
    ("te", "trailers"),
    ("want-digest", "sha-256"),
    ("x-grantline-filter", ""),
    ("x-grantline-subject", "mallory"),
    ("authorization", "Bearer secret"),
    ("dpop", "secret"),
    ("cookie", "secret"),
    ("x-listed", "secret"),
)


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with Upstream() as upstream, Gateway(tmp_path, upstream).running() as running:
        yield running


async def direct(gateway: Gateway, token: str, method: str = "GET", path: str = "/case/plain"):
    opened = await asyncio.open_unix_connection(str(gateway.hop_path))
    return await exchange(opened, method, path, (("grantline-context", token),), b"")


async def test_headers_that_would_make_an_answer_unfilterable_stay_behind(gateway: Gateway) -> None:
    listed = ("connection", "x-listed, content-length, grantline-context")
    got = await ThroughHop(gateway).fetch("/case/plain", headers=(*UNFIT, listed, ("x-kept", "yes")))
    head = gateway.upstream.heads[0].lower()
    names = {line.split(b":")[0].decode() for line in head.split(b"\r\n")[1:] if line}
    assert got.body == CUT
    assert names == {"host", "grantline-context", "x-kept", "accept-encoding"}
    assert b"accept-encoding: identity" in head
    assert b"secret" not in head


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 300_000])
async def test_a_request_body_is_carried_whole(gateway: Gateway, body: bytes) -> None:
    got = await ThroughHop(gateway).fetch("/case/created", "POST", body=body)
    assert (got.status, got.body, gateway.upstream.bodies) == (201, CUT, [body])


async def test_a_chunked_request_body_is_carried_whole(gateway: Gateway) -> None:
    token, _ = gateway.permit("POST", "/case/created")
    reader, writer = await asyncio.open_unix_connection(str(gateway.hop_path))
    head = f"POST /case/created HTTP/1.1\r\nhost: a\r\ngrantline-context: {token}\r\ntransfer-encoding: chunked\r\n"
    writer.write(head.encode() + b"connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    raw = await reader.read()
    writer.close()
    assert b" 201 " in raw
    assert gateway.upstream.bodies == [b"abcde"]


async def test_the_target_reaches_the_upstream_as_it_came(gateway: Gateway) -> None:
    await ThroughHop(gateway).fetch("/a%20b/%C3%A9/case/plain?since=2026-01-01&q=a%2Fb+c")
    assert gateway.upstream.heads[0].split(b" ")[1] == b"/a%20b/%C3%A9/case/plain?since=2026-01-01&q=a%2Fb+c"


async def test_a_filter_serves_one_call(gateway: Gateway) -> None:
    token, _ = gateway.permit("GET", "/case/plain")
    first, second = await direct(gateway, token), await direct(gateway, token)
    assert (first.status, second.status) == (200, 503)
    assert orjson.loads(second.body)["reason"] == "consent_unavailable"
    assert len(gateway.upstream.heads) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/case/plain"), ("GET", "/case/other"), ("GET", "/case/plain?x=1")]
)
async def test_a_context_of_another_call_is_refused(gateway: Gateway, method: str, path: str) -> None:
    token, _ = gateway.permit("GET", "/case/plain")
    got = await direct(gateway, token, method, path)
    assert (got.status, gateway.upstream.heads) == (401, [])


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_a_call_without_a_signed_context_is_refused(gateway: Gateway, token: str) -> None:
    got = await direct(gateway, token)
    assert (got.status, orjson.loads(got.body)["reason"], gateway.upstream.heads) == (401, "token_invalid", [])


async def test_a_repeated_context_is_refused(gateway: Gateway) -> None:
    token, _ = gateway.permit("GET", "/case/plain")
    opened = await asyncio.open_unix_connection(str(gateway.hop_path))
    got = await exchange(opened, "GET", "/case/plain", (("grantline-context", token),) * 2, b"")
    assert (got.status, gateway.upstream.heads) == (401, [])


async def test_an_ended_context_takes_its_filter_along() -> None:
    now = 100.0
    pending = Pending(lambda: now)
    pending.put("e1", OBLIGATION, 101.0)
    pending.put("e2", OBLIGATION, 101.0)
    assert pending.take("e1") == OBLIGATION
    now = 101.0
    assert pending.take("e2") is None


async def test_what_became_of_a_call_is_told(gateway: Gateway) -> None:
    for name in ("plain", "text", "json_error"):
        await ThroughHop(gateway).fetch(f"/case/{name}")
    told = [(outcome.evaluation, outcome.status) for outcome in gateway.outcomes]
    assert told == [("e0", 200), ("e1", 502), ("e2", 500)]
    assert gateway.outcomes[0].sent == len(CUT)
    assert all(outcome.ms > 0 for outcome in gateway.outcomes)


async def test_an_upstream_that_is_away_gives_502(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        gateway = Gateway(tmp_path, upstream)
    async with gateway.running():
        got = await ThroughHop(gateway).fetch("/case/plain")
    assert (got.status, orjson.loads(got.body)["title"]) == (502, "Bad Gateway")


class Scripted:
    """An upstream whose pieces are sent when the test says so."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def __aenter__(self) -> "Scripted":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while (piece := await self.pieces.get()) is not None:
            writer.write(piece)
            await writer.drain()
        writer.close()


async def scripted_call(upstream: Scripted, bounds=BOUNDS):
    """Runs the hop in memory against the scripted upstream; gives the messages sent, as they come, and the outcome."""
    sent: asyncio.Queue = asyncio.Queue()
    outcomes: list[Outcome] = []
    pending = Pending(lambda: 0.0)
    pending.put("e1", OBLIGATION, 1.0)
    pool = Pool(Address("127.0.0.1", upstream.port), bounds)
    hop = Hop(pool, pending, lambda token, method, path: "e1", outcomes.append, bounds)
    scope = {
        "type": "http",
        "method": "GET",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"grantline-context", b"x")],
    }
    return asyncio.create_task(hop(scope, asyncio.Event().wait, sent.put)), sent, outcomes, pool


async def test_lines_go_on_as_they_come() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n"
    async with Scripted() as upstream:
        call, sent, _, pool = await scripted_call(upstream)
        upstream.pieces.put_nowait(head + LINE + b"\n" + LINE[:9])
        async with asyncio.timeout(5):
            start, first = await sent.get(), await sent.get()
        assert (start["status"], first["body"], call.done()) == (200, CUT_LINE, False)
        upstream.pieces.put_nowait(LINE[9:] + b"\n")
        async with asyncio.timeout(5):
            second = await sent.get()
        assert second["body"] == CUT_LINE
        upstream.pieces.put_nowait(None)
        await call
        await pool.aclose()


async def test_an_upstream_that_falls_silent_gives_504() -> None:
    async with Scripted() as upstream:
        call, sent, outcomes, pool = await scripted_call(upstream, replace(BOUNDS, read_timeout_s=0.05))
        upstream.pieces.put_nowait(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{" + MARK)
        await call
        assert sent.get_nowait()["status"] == 504
        assert MARK not in sent.get_nowait()["body"]
        assert outcomes[0].status == 504
        upstream.pieces.put_nowait(None)
        await pool.aclose()


async def test_an_upstream_that_never_ends_is_cut_off() -> None:
    async with Scripted() as upstream:
        call, sent, _, pool = await scripted_call(upstream, replace(BOUNDS, total_timeout_s=0.05))
        upstream.pieces.put_nowait(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
        await call
        assert sent.get_nowait()["status"] == 504
        upstream.pieces.put_nowait(None)
        await pool.aclose()
