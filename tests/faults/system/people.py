"""A person's browser without the browser: reads the pages' forms, fills them in, and is as patient as people are."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any, TypeVar

import httpx2

T = TypeVar("T")
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
CONNECTION = re.compile(r'href="/connections/([^"/]+)"')
PATIENCE_S = 30.0
Answered = Callable[[], Awaitable[httpx2.Response]]


class NoAnswer(Exception):
    """The server ended before it answered, or is not there."""


class Person:
    """One signed-in person. `act`s raise `NoAnswer` where the server died over them."""

    def __init__(self, issuer: str, username: str, password: str) -> None:
        self._username, self._password = username, password
        self.http = httpx2.AsyncClient(base_url=issuer, trust_env=False, timeout=15)

    async def sign_in(self) -> None:
        form = {**await self._hidden("/sign-in?next=/connections"), "username": self._username}
        answer = await self._post("/sign-in", {**form, "password": self._password})
        assert answer.status_code == 303, answer.text

    async def open(self, url: str) -> str:
        """Follow a client's link to its question; the page's path."""
        answer = await self.get(url)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def answer(self, page: str) -> dict[str, str]:
        """The answer that allows what the page asks for, ready to send."""
        return {**await self._hidden(page), "do": "approve", "days": "90"}

    async def allow(self, page: str, answer: dict[str, str]) -> httpx2.Response:
        return await self._post(page, answer)

    async def connections(self) -> set[str]:
        return set(CONNECTION.findall((await self.get("/connections")).text))

    async def withdraw(self, consent: str) -> httpx2.Response:
        page = f"/connections/{consent}/stop"
        asked = await self.get(page)
        if asked.status_code == 303:
            return asked
        return await self._post(page, _hidden_of(asked))

    async def close(self) -> None:
        await self.http.aclose()

    async def get(self, path: str) -> httpx2.Response:
        return await _told(lambda: self.http.get(path))

    async def _hidden(self, path: str) -> dict[str, str]:
        return _hidden_of(await self.get(path))

    async def _post(self, path: str, form: dict[str, Any]) -> httpx2.Response:
        return await _told(lambda: self.http.post(path, data=form))


def _hidden_of(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200, f"{answer.status_code} {answer.headers.get('location')} {answer.text}"
    main = answer.text.split("</header>")[-1]
    return {name: unescape(value) for name, value in HIDDEN.findall(main)}


async def _told(ask: Answered) -> httpx2.Response:
    try:
        return await ask()
    except httpx2.TransportError as error:
        raise NoAnswer(repr(error)) from error


async def until(found: Callable[[], Awaitable[T]], within_s: float = PATIENCE_S) -> T:
    """What `found` returns, as soon as it is true; not answering counts as not yet."""
    deadline = asyncio.get_running_loop().time() + within_s
    last: Any = None
    while asyncio.get_running_loop().time() < deadline:
        try:
            last = await found()
        except (NoAnswer, httpx2.TransportError) as error:
            last = error
        else:
            if last:
                return last
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {last!r} after {within_s:g} s")
