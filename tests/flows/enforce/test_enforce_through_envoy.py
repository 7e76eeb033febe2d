"""A real Envoy, the real pipeline, the real hop and an upstream that believes the signed context alone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from grantline.gateway.adapters.envoy import Questions, serve_envoy
from grantline.gateway.flights import Flights
from grantline.gateway.minimiser import Address, Hop, Pending, Upstream, serve, tcp_socket
from grantline.model.feed import Kind
from grantline.model.ids import EvaluationId
from grantline.model.reasons import Reason
from grantline.sdk.resource_server import ContextRefused, ContextVerifier, RequireGateway
from tests.flows.enforce.test_enforce_asgi_adapter import Bank
from tests.flows.minimiser.hostile import BOUNDS
from tests.flows.minimiser.surfaces import Got, Service, ThroughEnvoy, envoy, exchange
from tests.unit.enforce.world import BANK, BASE, RESOURCE, TRANSACTIONS, World

pytestmark = pytest.mark.envoy


@dataclass
class Port:
    port: int


class Stack:
    """Everything between a client and the bank; also what `envoy` needs to know of a gateway."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.world, self.bank = World(directory), Bank()
        self.decision_path, self.hop_path = directory / "decide.sock", directory / "minimise.sock"
        self.listener = tcp_socket("127.0.0.1", 0)
        self.upstream = Port(self.listener.getsockname()[1])
        clock = self.world.clock
        self.verifier = ContextVerifier({"bank-1": [self.world.instance.public.jwk]}, RESOURCE, clock=clock)
        self.pending = Pending(lambda: clock.us / 1_000_000)
        self.flights = Flights(self.world.gateway, self.pending, clock)
        self.proxy: ThroughEnvoy

    def verify(self, text: str, method: str, target: str) -> EvaluationId | None:
        try:
            return EvaluationId(self.verifier.verify([text], method, target).ev)
        except ContextRefused:
            return None

    async def get(self, target: str = TRANSACTIONS, *extra: tuple[str, str], method: str = "GET") -> Got:
        call = self.world.call(target, method=method)
        headers = [(name, value) for name, values in call.headers.items() for value in values]
        return await self.ask(target, *headers, *extra, method=method)

    async def ask(self, target: str, *headers: tuple[str, str], method: str = "GET") -> Got:
        opened = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        return await exchange(opened, method, target, headers, b"")


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    made = Stack(tmp_path)
    pool = Upstream(Address("127.0.0.1", made.upstream.port), BOUNDS)
    hop = Hop(pool, made.pending, made.verify, made.flights.report, BOUNDS)
    questions = Questions(made.world.gateway, made.flights, BANK, BASE)
    server = await serve_envoy(questions, made.decision_path)
    async with Service(hop, made.hop_path), Api(made), envoy(made) as made.proxy:  # type: ignore[arg-type]
        yield made
    server.close()
    await pool.aclose()
    await made.world.spool.close()


class Api(Service):
    """The bank on its own port, behind the check of the context."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(RequireGateway(stack.bank, stack.verifier), Path())
        self._listener = stack.listener

    async def __aenter__(self) -> "Api":
        self._task = asyncio.create_task(serve(self._app, self._listener, self._stop, BOUNDS))
        return self


async def test_an_agreed_call_returns_the_agreed_fields_and_is_recorded_to_its_end(stack: Stack) -> None:
    got = await stack.get()
    assert (got.status, orjson.loads(got.body)) == (
        200, {"transactions": [{"date": "2026-11-01", "amount": "4.20", "category": "food"}]},
    )  # fmt: skip
    assert b"MARK" not in got.raw
    decision, outcome = await stack.world.events()
    assert (decision.out, outcome.detail["status"]) == ("permit", 200)
    assert stack.world.standing._calls._calls == {}


async def test_a_refusal_reaches_the_client_whole(stack: Stack) -> None:
    got = await stack.get(f"{TRANSACTIONS}?fields=iban")
    problem = orjson.loads(got.body)
    assert (got.status, problem["reason"]) == (403, "field_not_granted")
    assert got.headers["content-type"] == "application/problem+json"
    assert 'error="insufficient_scope"' in got.headers["www-authenticate"]
    assert stack.bank.calls == []


async def test_the_nonce_challenge_can_be_answered(stack: Stack) -> None:
    """Covers: check 100."""
    token = stack.world.token()
    bound = ("authorization", f"DPoP {token}")
    first = await stack.ask(TRANSACTIONS, bound, ("dpop", stack.world.proof(token, nonce=None)))
    assert (first.status, orjson.loads(first.body)["reason"]) == (401, "proof_nonce")
    proof = stack.world.proof(token, nonce=first.headers["dpop-nonce"])
    assert (await stack.ask(TRANSACTIONS, bound, ("dpop", proof))).status == 200


async def test_two_proofs_are_refused_though_the_proxy_joins_headers(stack: Stack) -> None:
    """Covers: check 102."""
    token = stack.world.token()
    proofs = [("dpop", stack.world.proof(token)) for _ in range(2)]
    got = await stack.ask(TRANSACTIONS, ("authorization", f"DPoP {token}"), *proofs)
    assert (got.status, orjson.loads(got.body)["reason"]) == (401, "proof_invalid")


async def test_the_clients_own_context_and_filter_headers_are_worth_nothing(stack: Stack) -> None:
    """Covers: check 158."""
    got = await stack.get(TRANSACTIONS, ("grantline-context", "a.b.c"), ("x-grantline-filter", ""))
    assert got.status == 200
    assert b"MARK" not in got.raw
    [call] = stack.bank.calls
    assert call["context"].sub == "ada"


async def test_after_a_withdrawal_the_very_next_call_is_refused(stack: Stack) -> None:
    assert (await stack.get()).status == 200
    stack.world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    got = await stack.get()
    assert (got.status, orjson.loads(got.body)["reason"]) == (401, "grant_withdrawn")
    assert len(stack.bank.calls) == 1


async def test_a_full_record_is_503_with_its_reason(stack: Stack) -> None:
    stack.world.spool._broken = "the disk is gone"
    got = await stack.get()
    assert (got.status, orjson.loads(got.body)["reason"]) == (503, "audit_unavailable")
    assert got.headers["retry-after"] == "1"
    assert stack.bank.calls == []


async def test_an_error_in_the_decision_is_no_allow(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers: I8."""

    async def breaks(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stack.world.gateway, "decide", breaks)
    assert (await stack.get()).status == 503
    assert stack.bank.calls == []
