"""How other providers are asked: https, no redirects, no proxies of the environment, little and soon."""

from collections.abc import Mapping
from typing import Protocol

import httpx2

TIMEOUT_S = 5.0
LARGEST = 65_536


class Unreachable(Exception):
    """No usable answer came."""


class Fetch(Protocol):
    """A way to ask other servers."""

    async def get(self, url: str) -> bytes:
        """The body of a 200 answer. Raises `Unreachable`."""
        ...

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """The body of a 200 answer to a form. Raises `Unreachable`."""
        ...


class OperatorsFetch:
    """Asks addresses that the operator configured, and those that such a server names in its metadata."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def get(self, url: str) -> bytes:
        """As `Fetch.get`."""
        return await self._ask(self._http.build_request("GET", url, timeout=TIMEOUT_S))

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """As `Fetch.post`."""
        request = self._http.build_request("POST", url, data=dict(form), headers=dict(headers), timeout=TIMEOUT_S)
        return await self._ask(request)

    async def _ask(self, request: httpx2.Request) -> bytes:
        try:
            answer = await self._http.send(request, stream=True, follow_redirects=False)
            try:
                return await _body(answer)
            finally:
                await answer.aclose()
        except httpx2.HTTPError as error:
            raise Unreachable(f"{request.url.host}: {type(error).__name__}") from error


async def _body(answer: httpx2.Response) -> bytes:
    if answer.status_code != 200:
        raise Unreachable(f"{answer.request.url.host} answered {answer.status_code}")
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > LARGEST:
            raise Unreachable(f"{answer.request.url.host} answered too much")
    return bytes(body)
