"""How other providers are asked: under the same guard as everybody else, though an operator named them.

A provider's metadata names further addresses. Whoever answers for it must not lead us inside: a host with a private
address is asked only if the operator allows it by name (`fetching.private_hosts`), and one on this very machine, by
http, only for a provider that is there itself.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

import httpx2

from grantline.fetching import PROVIDER, CannotFetch, Fetcher
from grantline.identity.methods.upstream import on_this_machine

TIMEOUT_S = 5.0
FORM = "application/x-www-form-urlencoded"


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


class GuardedFetch:
    """Asks https addresses through `fetcher`, which is for providers alone: clients must not fill its connections."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def get(self, url: str) -> bytes:
        """As `Fetch.get`."""
        try:
            return (await self._fetcher.get(url, PROVIDER)).body
        except CannotFetch as error:
            raise Unreachable(error.detail) from error

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """As `Fetch.post`."""
        try:
            body = urlencode(form).encode()
            return (await self._fetcher.ask(url, body, FORM, PROVIDER, tuple(headers.items()))).body
        except CannotFetch as error:
            raise Unreachable(error.detail) from error


class LoopbackFetch:
    """Asks a provider on this machine by plain http, and nobody else."""

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
        if not on_this_machine(str(request.url)):
            raise Unreachable(f"{request.url.host} is not on this machine")
        try:
            answer = await self._http.send(request, follow_redirects=False)
        except httpx2.HTTPError as error:
            raise Unreachable(f"{request.url.host}: {type(error).__name__}") from error
        if answer.status_code != 200 or len(answer.content) > PROVIDER.most:
            raise Unreachable(f"{request.url.host} answered {answer.status_code}, {len(answer.content)} bytes")
        return answer.content
