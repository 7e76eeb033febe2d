"""The demonstration's bank serves what its catalog says, to its gateway alone."""

import hashlib
import itertools
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import orjson
import pytest

from demo.bank import RESOURCE, bank_api
from demo.bank_data import HOLDER, PARTNER, Bank
from demo.calls import CallLog
from grantline.catalog import load_catalog
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.sdk.resource_server import ContextVerifier, RequireGateway

CATALOG = load_catalog(Path(__file__).parents[3] / "demo" / "catalog.toml")
TODAY = date(2026, 11, 14)
KEY = SigningKey.generate()


class Caller:
    """Calls the bank as its gateway would: each call with a context signed for it."""

    def __init__(self, log: Path) -> None:
        self.log, self._calls = log, itertools.count(1)
        api = bank_api(Bank(lambda: TODAY), CallLog(log))
        app = RequireGateway(api, ContextVerifier({"bank": [KEY.public.jwk]}, RESOURCE))
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://bank")

    async def call(self, method: str, target: str, who: str | None = HOLDER, life: float = 2.0, body: Any = None):
        now = time.time()
        claims = {
            "iss": "bank", "aud": RESOURCE, "client_id": "budget", "grant_id": "g_1", "gver": 1, "action": "read",
            "datatype": "accounts", "fields": [], "resources": [], "purpose": "budgeting", "mth": method,
            "ev": f"e_{next(self._calls)}", "pos": [1, 1], "iat": now - 3, "exp": now + life,
            "ph": b64url(hashlib.sha256(target.encode()).digest()),
        }  # fmt: skip
        context = KEY.sign_jws(orjson.dumps(claims | ({"sub": who} if who else {})), "grantline-context+jwt")
        return await self.http.request(method, target, headers={"grantline-context": context}, json=body)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def bank(tmp_path: Path) -> Caller:
    return Caller(tmp_path / "log" / "bank.jsonl")


async def test_a_direct_call_is_refused_and_begins_nothing(bank: Caller) -> None:
    """The APIs accept only the signed context of their gateway."""
    for headers in ({}, {"grantline-context": "made.up.one"}, {"authorization": "Bearer token"}):
        answer = await bank.http.get("/accounts", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert bank.lines() == []


async def test_a_call_whose_context_ended_begins_nothing(bank: Caller) -> None:
    assert (await bank.call("GET", "/accounts", life=-0.2)).status_code == 401
    assert bank.lines() == []


async def test_each_call_is_written_down_when_it_begins(bank: Caller) -> None:
    before = time.time_ns() // 1_000
    await bank.call("GET", "/accounts/acc-4821/transactions?since=2026-11-01")
    (line,) = bank.lines()
    assert before <= line.pop("began_us") <= time.time_ns() // 1_000
    assert line.pop("context_exp") > time.time()
    assert line == {
        "evaluation": "e_1", "grant": "g_1", "method": "GET", "route": "/accounts/{account}/transactions",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("route", "target", "body", "status"),
    [
        ("accounts.list", "/accounts", None, 200),
        ("accounts.one", "/accounts/acc-4821", None, 200),
        ("transactions.list", "/accounts/acc-4821/transactions", None, 200),
        ("category.set", "/accounts/acc-4821/transactions/4821-20261110-0/category", {"category": "treats"}, 200),
        ("payments.make", "/accounts/acc-4821/payments", {"amount": "42.10", "payee": "P", "reference": "R"}, 201),
        ("owned.list", f"/owners/{HOLDER}/accounts", None, 200),
    ],
)
async def test_every_field_of_the_catalog_stands_where_the_catalog_says(bank, route, target, body, status) -> None:
    entry = next(each for each in CATALOG.api("bank").routes if each.id == route)
    answer = await bank.call(entry.method, target, None if entry.operator_only else HOLDER, body=body)
    assert answer.status_code == status
    for field, words in CATALOG.data("bank", entry.data).fields.items():
        path = (*entry.records, *(words.path or (field,)))
        assert found(answer.json(), path), f"{field} at {path}"


def found(node: Any, path: tuple[str, ...]) -> bool:
    if isinstance(node, list):
        return any(found(each, path) for each in node)
    return not path or (isinstance(node, dict) and path[0] in node and found(node[path[0]], path[1:]))


async def test_every_route_of_the_catalog_is_tried_above() -> None:
    tried = {mark.args[1][index][0] for mark in test_every_field_of_the_catalog_stands_where_the_catalog_says.pytestmark
             for index in range(len(mark.args[1]))}  # fmt: skip
    assert tried == {route.id for route in CATALOG.api("bank").routes}


async def test_two_people_share_one_account_and_the_business_account_is_not_to_be_shared(bank: Caller) -> None:
    listed = {
        who: {
            each["id"]: each for each in (await bank.call("GET", f"/owners/{who}/accounts", None)).json()["resources"]
        }
        for who in (HOLDER, PARTNER)
    }
    assert set(listed[HOLDER]) & set(listed[PARTNER]) == {"acc-5530"}
    assert listed[HOLDER]["acc-5530"]["note"] == "Shared. The co-owner will be told."
    closed = [each for each in listed[HOLDER].values() if not each["available"]]
    assert [(each["id"], bool(each["reason"])) for each in closed] == [("acc-7714", True)]
    assert all(each["available"] for each in listed[PARTNER].values())


async def test_nobody_reads_an_account_of_others(bank: Caller) -> None:
    assert (await bank.call("GET", "/accounts/acc-0937", PARTNER)).status_code == 404
    assert (await bank.call("GET", "/accounts/acc-0937/transactions", PARTNER)).status_code == 404
    assert (await bank.call("GET", "/accounts/acc-0937", None)).status_code == 404


async def test_transactions_cover_sixty_days_and_are_the_same_every_time(bank: Caller, tmp_path: Path) -> None:
    target = "/accounts/acc-5530/transactions"
    records = (await bank.call("GET", target)).json()["transactions"]
    days = [record["date"] for record in records]
    assert (max(days), min(days)) == ("2026-11-14", "2026-09-15")
    assert days == sorted(days, reverse=True)
    assert len({record["id"] for record in records}) == len(records)
    again = Caller(tmp_path / "again.jsonl")
    assert (await again.call("GET", target, PARTNER)).json()["transactions"] == records
    since = (await bank.call("GET", f"{target}?since=2026-11-01")).json()["transactions"]
    assert since == [record for record in records if record["date"] >= "2026-11-01"]


async def test_a_category_once_set_stays(bank: Caller) -> None:
    one = "/accounts/acc-4821/transactions"
    record = (await bank.call("GET", one)).json()["transactions"][0]
    await bank.call("PUT", f"{one}/{record['id']}/category", body={"category": "treats"})
    again = (await bank.call("GET", one)).json()["transactions"][0]
    assert again == record | {"category": "treats"}


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("PUT", "/accounts/acc-4821/transactions/none/category", {"category": "x"}, 404),
        ("PUT", "/accounts/acc-4821/transactions/4821-20261110-0/category", {"category": ""}, 422),
        ("PUT", "/accounts/acc-4821/transactions/4821-20261110-0/category", [1], 400),
        ("POST", "/accounts/acc-4821/payments", {"amount": "1"}, 422),
        ("POST", "/accounts/acc-4821/payments", {"amount": 1, "payee": "P", "reference": "R"}, 422),
        ("GET", "/accounts/acc-4821/transactions?since=lately", None, 400),
    ],
)
async def test_bad_input_is_a_problem_document(bank: Caller, method: str, target: str, body: Any, status: int) -> None:
    answer = await bank.call(method, target, body=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert msgspec.json.decode(answer.content)["status"] == status
