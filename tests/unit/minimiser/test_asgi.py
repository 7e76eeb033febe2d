"""The filter inside an ASGI application holds against applications that do unusual things."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from grantline.gateway.minimiser import Unfilterable, filtered
from grantline.model.decision import FieldFilter

FILTER = FieldFilter(records=(), fields=(("id",),))
JSON = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
LINES = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/x-ndjson")]}
TEXT = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def body(data: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def run(app: Callable[..., Awaitable[None]], **scope: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await filtered(app, FILTER)({"type": "http", "method": "GET", "headers": [], **scope}, receive, send)
    return sent


async def test_an_application_that_catches_the_refusal_gains_nothing() -> None:
    async def stubborn(scope, receive, send):
        for message in (TEXT, body(b"m4rker", True), JSON, body(b'{"id":1}')):
            try:
                await send(message)
            except Exception:
                continue

    sent = await run(stubborn)
    assert sent[0]["status"] == 502
    assert "m4rker" not in repr(sent)


async def test_a_broken_line_stays_broken_for_an_application_that_goes_on() -> None:
    async def stubborn(scope, receive, send):
        for message in (LINES, body(b'{"id":1}\n', True), body(b"m4rker\n", True), body(b'{"id":2}\n')):
            try:
                await send(message)
            except Exception:
                continue

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(Unfilterable):
        await filtered(stubborn, FILTER)({"type": "http", "method": "GET", "headers": []}, None, send)
    assert [message.get("body") for message in sent[1:]] == [b'{"id":1}\n']


async def test_an_application_that_fails_is_told_of_as_502_and_its_error_goes_on() -> None:
    async def failing(scope, receive, send):
        await send(JSON)
        await send(body(b'{"id":1,"x":"m4rker', True))
        raise LookupError("m4rker")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(LookupError):
        await filtered(failing, FILTER)({"type": "http", "method": "GET", "headers": []}, None, send)
    assert sent[0]["status"] == 502
    assert "m4rker" not in repr(sent)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "http.response.pathsend", "path": "/m4rker"},
        {"type": "http.response.zerocopysend", "file": 3},
        {"type": "http.response.trailers", "headers": [(b"x", b"m4rker")]},
        {"type": "http.response.early_hint", "links": [b"m4rker"]},
        {"type": "http.response.push", "path": "/m4rker", "headers": []},
    ],
)
async def test_other_ways_to_answer_are_refused(message: dict[str, Any]) -> None:
    async def unusual(scope, receive, send):
        await send(JSON)
        await send(message)

    sent = await run(unusual)
    assert sent[0]["status"] == 502
    assert "m4rker" not in repr(sent)


@pytest.mark.parametrize("messages", [(), (JSON,), (JSON, body(b'{"id":1}', True)), (body(b"m4rker"),)])
async def test_an_answer_that_does_not_end_is_no_answer(messages: tuple[dict[str, Any], ...]) -> None:
    async def partial(scope, receive, send):
        for message in messages:
            await send(message)

    assert (await run(partial))[0]["status"] == 502


async def test_the_application_is_offered_no_extension_and_no_header_that_spoils_the_answer() -> None:
    seen: dict[str, Any] = {}

    async def looking(scope, receive, send):
        seen.update(scope)
        await send(JSON)
        await send(body(b'{"id":1}'))

    headers = [(b"if-none-match", b"x"), (b"accept-encoding", b"br"), (b"grantline-context", b"c"), (b"a", b"1")]
    await run(looking, headers=headers, extensions={"http.response.pathsend": {}})
    assert seen["extensions"] == {}
    assert seen["headers"] == [(b"grantline-context", b"c"), (b"a", b"1"), (b"accept-encoding", b"identity")]


@pytest.mark.parametrize("kind", ["websocket", "webtransport"])
async def test_other_kinds_of_calls_do_not_pass(kind: str) -> None:
    async def app(scope, receive, send):
        raise AssertionError("reached")

    with pytest.raises(Unfilterable):
        await run(app, type=kind)
