"""Envoy's questions over a real Unix socket: what it is told, and that anything odd is never an allow."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from grantline.gateway.adapters.envoy import LARGEST_QUESTION, Check, Questions, serve_envoy
from grantline.gateway.adapters.envoy_replies import UNAVAILABLE
from grantline.gateway.flights import Flights
from grantline.gateway.minimiser import Outcome, Pending
from grantline.model.feed import Kind
from grantline.model.ids import EvaluationId
from grantline.model.reasons import Reason
from tests.unit.enforce.world import BANK, BASE, TRANSACTIONS, World


@dataclass
class Socket:
    """A gateway behind its socket, and the parts the test looks into."""

    world: World
    path: Path
    flights: Flights
    pending: Pending

    async def ask(self, text: bytes) -> tuple[int, dict[str, str], bytes]:
        """One question on a new connection; status 0 when the connection was closed unanswered."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(text)
        answer = await read_answer(reader)
        writer.close()
        return answer

    def question(self, target: str = TRANSACTIONS, method: str = "GET", **headers: Any) -> bytes:
        call = self.world.call(target, method=method, **headers)
        lines = [f"{method} {target} HTTP/1.1", "host: decision", "content-length: 0"]
        lines += [f"{name}: {value}" for name, values in call.headers.items() for value in values]
        return "\r\n".join([*lines, "", ""]).encode()


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, {}, b""
    status, *lines = raw.decode().rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines)
    body = b"" if head else await reader.readexactly(int(headers["content-length"]))
    return int(status.split()[1]), headers, body


@pytest_asyncio.fixture
async def socket(tmp_path: Path) -> AsyncIterator[Socket]:
    world = World(tmp_path)
    pending = Pending(lambda: world.clock.us / 1_000_000)
    flights = Flights(world.gateway, pending, world.clock)
    path = tmp_path / "decide.sock"
    server = await serve_envoy(Questions(world.gateway, flights, BANK, BASE), path)
    yield Socket(world, path, flights, pending)
    server.close()
    await world.spool.close()


async def test_an_allowed_call_carries_every_header_of_an_allow(socket: Socket) -> None:
    status, headers, body = await socket.ask(socket.question())
    assert (status, body) == (200, b"")
    assert headers["x-grantline-filter"] == "1"
    assert headers["grantline-context"].count(".") == 2
    assert socket.pending.take(EvaluationId(headers["x-grantline-evaluation"])) is not None


async def test_a_refused_call_gets_problem_and_challenge(socket: Socket) -> None:
    """Covers: check 159."""
    status, headers, body = await socket.ask(socket.question(f"{TRANSACTIONS}?fields=iban"))
    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert headers["www-authenticate"].startswith('DPoP error="insufficient_scope"')
    assert "grantline-context" not in headers
    assert orjson.loads(body)["reason"] == "field_not_granted"


async def test_one_connection_asks_many_questions_and_bytes_may_come_singly(socket: Socket) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket.path))
    for target, expected in ((TRANSACTIONS, 200), ("/accounts/a3/transactions", 403), (TRANSACTIONS, 200)):
        for byte in socket.question(target):
            writer.write(bytes([byte]))
        assert (await read_answer(reader))[0] == expected
    writer.close()


async def test_a_refusal_of_a_head_request_has_no_body(socket: Socket) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket.path))
    writer.write(socket.question("/accounts/a3/transactions", "HEAD"))
    status, headers, _ = await read_answer(reader, head=True)
    assert (status, int(headers["content-length"]) > 0) == (403, True)
    writer.write(socket.question(TRANSACTIONS, "HEAD"))
    assert (await read_answer(reader))[0] == 200
    writer.close()


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET http://decision/accounts HTTP/1.1\r\nhost: a\r\n\r\n",
        b"CONNECT bank:443 HTTP/1.1\r\nhost: bank\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * LARGEST_QUESTION + b"\r\n\r\n",
    ],
    ids=lambda text: text[:40].decode(),
)
async def test_whatever_is_odd_is_never_allowed(socket: Socket, text: bytes) -> None:
    """Covers: check 162."""
    status, headers, _ = await socket.ask(text)
    assert status == 0
    assert headers == {}


async def test_two_questions_at_once_close_the_connection(socket: Socket) -> None:
    status, _, _ = await socket.ask(socket.question() + socket.question())
    assert status == 0


async def test_an_error_while_answering_closes_the_connection(socket: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers: I8."""
    monkeypatch.setattr(Check, "_hand_over", lambda *_, **__: 1 / 0)
    assert (await socket.ask(socket.question()))[0] == 0


async def test_no_room_for_the_filter_is_a_refusal_and_is_recorded(socket: Socket) -> None:
    socket.pending._most = 0
    status, _, body = await socket.ask(socket.question())
    assert (status, orjson.loads(body)["reason"]) == (UNAVAILABLE, "policy_error")
    events = await socket.world.events()
    assert [event.out for event in events] == ["permit", "deny"]
    socket.world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    assert socket.world.standing.busy() == ()


async def test_a_call_is_in_flight_until_the_minimiser_reports_it(socket: Socket) -> None:
    _, headers, _ = await socket.ask(socket.question())
    socket.world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    assert socket.world.standing.busy() == ("g_1",)
    evaluation = EvaluationId(headers["x-grantline-evaluation"])
    socket.flights.report(Outcome(evaluation, 200, 85, 2.0))
    assert socket.world.standing.busy() == ()
    outcome = (await socket.world.events())[-1]
    assert (outcome.detail["evaluation"], outcome.detail["status"]) == (evaluation, 200)


async def test_a_proxy_that_left_before_the_answer_leaves_nothing_in_flight(socket: Socket) -> None:
    """Its call was recorded and never went: the outcome says so."""
    world = socket.world
    kept, go = world.spool.append, asyncio.Event()

    def slow(event: Any, *, outcome: bool = False) -> asyncio.Future[int]:
        async def later() -> int:
            await go.wait()
            return await kept(event, outcome=outcome)

        return kept(event, outcome=True) if outcome else asyncio.ensure_future(later())

    world.spool.append = slow  # type: ignore[method-assign]
    reader, writer = await asyncio.open_unix_connection(str(socket.path))
    writer.write(socket.question())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    for _ in range(50):
        await asyncio.sleep(0.001)
    go.set()
    for _ in range(1_000):
        events = await world.events()
        if len(events) == 2:
            break
        await asyncio.sleep(0.001)
    assert [(event.out, event.detail.get("status")) for event in events] == [("permit", None), ("deny", 499)]
    assert events[1].rsn == "not_forwarded"
    del reader
