"""The demonstration's bank behind a real Envoy, the real decision and the hop: only what was agreed is given."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from demo.bank import bank_api
from demo.bank_data import ACCOUNTS, HOLDER, Bank
from demo.calls import CallLog
from grantline.catalog import metadata_path, metadata_url
from grantline.gateway.adapters.envoy import Questions, serve_envoy
from grantline.gateway.described import describing
from grantline.gateway.flights import Flights
from grantline.gateway.minimiser import Address, Hop, Pending, serve, tcp_socket, unix_socket
from grantline.gateway.minimiser import Upstream as Pool
from grantline.model.events import Event, EventType
from grantline.model.ids import EvaluationId
from grantline.sdk.resource_server import ContextRefused, ContextVerifier, RequireGateway
from tests.flows.minimiser.hostile import BOUNDS
from tests.flows.minimiser.surfaces import Gateway, Got, Headers, envoy, exchange
from tests.unit.enforce.world import BANK, BASE, RESOURCE, World, transactions_item

TODAY = date(2026, 11, 23)
TARGET = "/accounts/acc-4821/transactions"
FIELDS = ("date", "amount", "merchant")


@dataclass
class Running:
    """All of it in one process, but for Envoy. `port` is Envoy's, `bank` the upstream's own."""

    world: World
    port: int
    bank: int

    async def call(self, target: str = TARGET, method: str = "GET", body: bytes = b"", **headers: str) -> Got:
        token = self.world.token()
        proof = self.world.proof(token, BASE + target.partition("?")[0], method=method)
        listed = (("authorization", f"DPoP {token}"), ("dpop", proof), *headers.items())
        return await self.raw(self.port, target, listed, method, body)

    async def raw(self, port: int, target: str, headers: Headers = (), method: str = "GET", body: bytes = b"") -> Got:
        return await exchange(await asyncio.open_connection("127.0.0.1", port), method, target, headers, body)

    async def recorded(self, kind: EventType) -> list[Event]:
        return [event for event in await self.world.events() if event.type == kind]


@pytest_asyncio.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    world, stop = World(tmp_path), asyncio.Event()
    item = transactions_item(fields=FIELDS, resources=("acc-4821",), lookback_days=20)
    world.version = world.agreed(item, resource_subjects=((BANK, HOLDER),))
    verifier = ContextVerifier({"bank-1": [world.instance.public.jwk]}, RESOURCE, clock=world.clock)
    listener = tcp_socket("127.0.0.1", 0)
    bank_port: int = listener.getsockname()[1]
    bank = RequireGateway(bank_api(Bank(lambda: TODAY), CallLog(tmp_path / "calls", world.clock)), verifier)
    pending = Pending(lambda: world.clock.wall_us() / 1e6)
    flights, pool = Flights(world.gateway, pending, world.clock), Pool(Address("127.0.0.1", bank_port), BOUNDS)

    def own(token: str, method: str, target: str) -> EvaluationId | None:
        with contextlib.suppress(ContextRefused):
            return EvaluationId(verifier.verify([token], method, target).ev)
        return None

    settings = Gateway(tmp_path, upstream=type("At", (), {"port": bank_port})())
    server = await serve_envoy(Questions(world.gateway, flights, BANK, BASE), settings.decision_path)
    public = describing(world.gateway.metadata, BANK)
    hop = Hop(pool, pending, own, flights.report, BOUNDS, public=public)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(bank, listener, stop))
        tasks.create_task(serve(hop, unix_socket(settings.hop_path), stop))
        async with envoy(settings) as proxy:
            yield Running(world, proxy.port, bank_port)
        stop.set()
    server.close()
    await pool.aclose()
    await world.spool.close()


def agreed_records() -> list[dict[str, object]]:
    """What the bank holds, cut by hand: three fields, not older than twenty days."""
    held = Bank(lambda: TODAY).transactions(ACCOUNTS[0], date(2026, 11, 3))
    return [
        {
            "date": record["date"],
            "amount": record["amount"],
            "merchant": record["merchant"] and {"name": record["merchant"]["name"]},
        }
        for record in held
    ]


async def test_anybody_may_read_what_the_api_says_of_itself_and_nothing_beside_it(running: Running) -> None:
    """Covers: line 5, check 159. Through Envoy, where no decision is asked for."""
    place = metadata_path(RESOURCE)
    got = await running.raw(running.port, place)
    assert got.status == 200
    assert json.loads(got.body)["resource"] == RESOURCE
    for other in (
        place + "/x",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/../api",
    ):
        assert (await running.raw(running.port, other)).status in {401, 404}
    assert (await running.raw(running.port, place, method="POST")).status == 401
    refused = await running.raw(running.port, TARGET)
    assert refused.status == 401
    assert f'resource_metadata="{metadata_url(BASE, RESOURCE)}"' in str(refused.headers)


async def test_exactly_what_was_agreed_is_given(running: Running) -> None:
    got = await running.call()
    assert got.status == 200
    assert orjson.loads(got.body) == {"transactions": agreed_records(), "next": None}
    assert [word for word in (b"XX", b"counterparty", b"terminal", b"balance", b"REF") if word in got.raw] == []


async def test_fewer_fields_are_given_when_fewer_are_asked_for(running: Running) -> None:
    got = await running.call(f"{TARGET}?fields=amount&since=2026-11-20")
    wanted = [{"amount": each["amount"]} for each in agreed_records() if str(each["date"]) >= "2026-11-20"]
    assert orjson.loads(got.body)["transactions"] == wanted


@pytest.mark.parametrize(
    ("target", "method", "reason"),
    [
        (f"{TARGET}?fields=amount,iban", "GET", "field_not_granted"),
        (f"{TARGET}?since=2026-01-01", "GET", "lookback_exceeded"),
        ("/accounts/acc-0937/transactions", "GET", "resource_not_granted"),
        ("/accounts/acc-4821/payments", "POST", "action_not_granted"),
        ("/accounts", "GET", "action_not_granted"),
        ("/elsewhere", "GET", "route_unknown"),
    ],
)
async def test_what_was_not_agreed_is_refused_with_its_reason(running: Running, target, method, reason) -> None:
    got = await running.call(target, method, body=b"{}" if method == "POST" else b"")
    assert (got.status, orjson.loads(got.body)["reason"]) == (403, reason)


async def test_the_bank_itself_refuses_a_direct_call(running: Running) -> None:
    """Nobody goes around the gateway: a direct call is 401, whatever it carries."""
    for headers in ((), (("grantline-context", "x"),), (("authorization", f"DPoP {running.world.token()}"),)):
        got = await running.raw(running.bank, TARGET, headers)
        assert (got.status, got.headers["content-type"]) == (401, "application/problem+json")


async def test_the_record_tells_what_became_of_the_call(running: Running) -> None:
    got = await running.call()
    (decided,) = await running.recorded(EventType.GATEWAY_DECISION)
    (ended,) = await running.recorded(EventType.GATEWAY_OUTCOME)
    assert ended.detail["evaluation"] == decided.detail["evaluation"]
    assert (ended.detail["status"], ended.detail["bytes"]) == (200, len(got.body))
