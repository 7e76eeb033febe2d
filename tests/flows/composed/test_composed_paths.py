"""Paths, methods and framing that a proxy, a gateway and an API could read differently, through the real Envoy."""

import asyncio

import httpx2
import pytest

from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)
NOT_AGREED = "acc-0937"
REFUSED = {400, 403, 404}
MALFORMED = {400, 401, 403, 431, 501}
PATHS = [
    "//accounts", "/accounts/", "/accounts%2f", "/accounts/acc-4821/../acc-0937", "/accounts/acc-4821%2f..%2facc-0937",
    "/accounts/acc-4821/..;/acc-0937", "/accounts/acc-4821/%2e%2e/acc-0937", "/accounts/acc-4821;x/transactions",
    "/accounts;", "/ACCOUNTS", "/accounts/acc-0937%20", "/accounts/acc%2D0937", "/accounts/%61cc-0937",
    "/accounts/acc-4821%00", "/accounts#x", "/accounts%3ffields=id", "/accounts/.", "/accounts/acc-4821\\..\\acc-0937",
    "*", "accounts", "/owners/holder/accounts", "http://other.example/accounts/acc-0937",
    "/accounts/acc-4821/transactions?fields=date&fields=iban", "/accounts/acc-4821/transactions?fields=iban",
    "/accounts/acc-4821/transactions?%66ields=iban", "/accounts/acc-4821/transactions?fields=",
    "/accounts/acc-4821/transactions?fields=date;fields=iban", "/accounts/acc-4821/transactions?since=2020-01-01",
    "/accounts/acc-4821/transactions?since=2026-11-20&since=2020-01-01", "/accounts/acc-4821/transactions?since=",
]  # fmt: skip
METHODS = ["OPTIONS", "TRACE", "CONNECT", "PATCH", "DELETE", "POST", "PUT", "get", "MADE-UP"]
FRAMING = [
    ("length and chunks", ["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"),
    ("two encodings", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
    ("two lengths", ["Content-Length: 1", "Content-Length: 2"], b"aa"),
    ("a space before the colon", ["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
    ("an upgrade", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x"], b""),
    ("a huge header", ["X-Huge: " + "a" * 70_000], b""),
    ("many headers", [f"X-{n}: 1" for n in range(200)], b""),
    ("an underscore", ["Grantline_Context: x"], b""),
    ("a token taken away hop by hop", ["Connection: authorization"], b""),
]  # fmt: skip


async def said(world: WholeWorld, app: Connected, line: str, more: list[str], body: bytes = b"") -> bytes:
    """The raw answer to a raw request with a valid bearer token."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port("bank_gateway"))
    head = ["Host: bank", "Connection: close", f"Authorization: Bearer {app.tokens.access_token}", *more]
    writer.write("\r\n".join([f"{line} HTTP/1.1", *head, "", ""]).encode() + body)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def narrow(value: str) -> bool:
    """Everything but one account and the other party's name and IBAN."""
    return NOT_AGREED not in value and "other_party" not in value


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 400


async def test_what_could_be_read_in_two_ways_is_refused(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 5, check 162."""
    world.register("devious", dpop_bound=False)
    app = await world.connect(http, "devious", bound=False, pick=narrow)
    log = world.folder / "logs" / "bank-calls.jsonl"
    assert status(await said(world, app, "GET /accounts/acc-4821/transactions", [])) == 200
    before = log.read_text()
    # All at once: Envoy waits a second before it closes what it refused.
    paths = await asyncio.gather(*(said(world, app, f"GET {path}", []) for path in PATHS))
    assert [path for path, answer in zip(PATHS, paths, strict=True) if status(answer) not in REFUSED] == []
    methods = await asyncio.gather(*(said(world, app, f"{method} /accounts", []) for method in METHODS))
    assert [method for method, answer in zip(METHODS, methods, strict=True) if status(answer) not in REFUSED] == []
    framed = await asyncio.gather(*(said(world, app, "GET /accounts", more, body) for _, more, body in FRAMING))
    assert [name for (name, *_), one in zip(FRAMING, framed, strict=True) if status(one) not in MALFORMED] == []
    assert log.read_text() == before, "nothing of it reached the API"


async def test_no_way_of_asking_brings_a_field_that_was_not_agreed(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 5; MINIMISATION.md."""
    world.register("narrowed", dpop_bound=False)
    app = await world.connect(http, "narrowed", bound=False, pick=lambda value: value.startswith("acc-"))
    bank, calendar = world.bank + "/accounts/acc-4821/transactions", world.calendar + "/events"
    ways = [
        {}, {"accept-encoding": "gzip, br, zstd"}, {"range": "bytes=0-2000"}, {"if-none-match": "*"},
        {"te": "trailers"},
        {"accept": "text/html"}, {"accept": "application/x-ndjson"}, {"cache-control": "only-if-cached"},
    ]  # fmt: skip
    for headers in ways:
        answers = [await app.get(bank, **headers), await app.get(calendar, **headers)]
        assert [answer.status_code for answer in answers] == [200, 200], headers
        records = answers[0].json()["transactions"], answers[1].json()["events"]
        assert {name for record in records[0] for name in record} == {"date", "amount", "category"}, headers
        assert {name for record in records[1] for name in record} == {"start", "end"}, headers
        assert not {"etag", "content-range", "last-modified"} & {name for one in answers for name in one.headers}
    for url in (bank, calendar):
        head = await app.calls.send("HEAD", url, app.tokens.access_token)
        assert (head.status_code, head.content) == (200, b"")
