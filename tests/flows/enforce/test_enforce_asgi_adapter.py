"""The gateway inside an application: only agreed fields leave, and the application believes the context alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio

from grantline.gateway.adapters import asgi
from grantline.gateway.adapters.asgi import Enforced
from grantline.sdk.resource_server import ContextVerifier, RequireGateway, context_of
from tests.unit.enforce.world import BANK, BASE, RESOURCE, TRANSACTIONS, World

ROWS = [
    {"date": "2026-11-01", "amount": "4.20", "category": "food", "counterparty": {"iban": "MARK", "name": "MARK"}},
    {"date": "2025-01-01", "amount": "9.99", "category": "old", "note": "MARK"},
]


class Bank:
    """The API: answers everything it has, and remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.fails = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls.append({"headers": dict(scope["headers"]), "context": context_of(scope)})
        if self.fails:
            raise RuntimeError("the API broke")
        body = orjson.dumps({"transactions": ROWS, "secret": "MARK"})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})


class Setting:
    def __init__(self, folder: Path) -> None:
        self.world, self.bank = World(folder), Bank()
        jwks = {"bank-1": [self.world.instance.public.jwk]}
        self.inner = RequireGateway(self.bank, ContextVerifier(jwks, RESOURCE, clock=self.world.clock))
        self.app = Enforced(self.inner, self.world.gateway, BANK, BASE)

    async def get(self, target: str = TRANSACTIONS, *, direct: bool = False, **extra: str) -> httpx2.Response:
        headers = {name: value[0] for name, value in self.world.call(target).headers.items()} | extra
        transport = httpx2.ASGITransport(app=self.inner if direct else self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.get(target, headers=headers)


@pytest_asyncio.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    made = Setting(tmp_path)
    yield made
    await made.world.spool.close()


async def test_the_answer_holds_the_agreed_fields_of_recent_records_and_nothing_else(setting: Setting) -> None:
    answer = await setting.get()
    assert answer.status_code == 200
    assert answer.json() == {"transactions": [{"date": "2026-11-01", "amount": "4.20", "category": "food"}]}
    assert "MARK" not in answer.text


async def test_the_application_gets_the_context_and_not_the_token(setting: Setting) -> None:
    """Covers: check 158, check 160."""
    await setting.get(**{"x-grantline-user": "root", "grantline-context": "a.b.c"})
    [call] = setting.bank.calls
    assert b"authorization" not in call["headers"]
    assert b"dpop" not in call["headers"]
    assert b"x-grantline-user" not in call["headers"]
    assert (call["context"].sub, call["context"].fields) == ("ada", ("date", "amount", "category"))


async def test_the_callers_own_headers_in_our_name_go_even_where_nothing_is_filtered(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: check 158."""
    monkeypatch.setattr(asgi, "filtered", lambda app, *_, **__: app)
    await setting.get(**{"x-grantline-user": "root", "grantline-context": "a.b.c"})
    [call] = setting.bank.calls
    assert b"x-grantline-user" not in call["headers"]
    assert call["context"].sub == "ada"


async def test_a_direct_call_is_refused_even_with_a_good_token(setting: Setting) -> None:
    answer = await setting.get(direct=True)
    assert (answer.status_code, setting.bank.calls) == (401, [])


async def test_a_refused_call_never_reaches_the_application(setting: Setting) -> None:
    answer = await setting.get("/accounts/a3/transactions")
    assert (answer.status_code, answer.json()["reason"]) == (403, "resource_not_granted")
    assert setting.bank.calls == []


async def test_the_outcome_is_recorded_and_the_call_is_over(setting: Setting) -> None:
    answer = await setting.get()
    decision, outcome = await setting.world.events()
    assert outcome.detail["evaluation"] == decision.detail["evaluation"]
    assert (outcome.detail["status"], outcome.detail["bytes"]) == (200, len(answer.content))
    assert setting.world.standing._calls._calls == {}


async def test_an_application_that_breaks_is_a_502_with_its_outcome(setting: Setting) -> None:
    setting.bank.fails = True
    answer = await setting.get()
    assert (answer.status_code, answer.json()["reason"]) == (502, "response_unfilterable")
    _, outcome = await setting.world.events()
    assert (outcome.out, outcome.detail["status"]) == ("error", 502)


def in_flight(setting: Setting) -> int:
    return len(setting.world.standing._calls._calls)


async def test_a_call_that_is_cancelled_while_the_application_works_is_over(setting: Setting) -> None:
    """Covers: feed C9. A client that went away must not keep a grant from being drained."""
    working = asyncio.Event()

    async def works(_scope: Any, _receive: Any, _send: Any) -> None:
        working.set()
        await asyncio.Event().wait()

    setting.app = Enforced(works, setting.world.gateway, BANK, BASE)
    call = asyncio.create_task(setting.get())
    await working.wait()
    assert in_flight(setting) == 1
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert in_flight(setting) == 0


async def test_a_call_that_cannot_be_handed_over_does_not_wait_for_ever(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: feed C4. A call that waits to leave holds every acknowledgement back."""

    def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no filter can be made")

    monkeypatch.setattr(asgi, "filtered", breaks)
    assert (await setting.get()).status_code == 500
    assert in_flight(setting) == 0
    assert setting.bank.calls == []
