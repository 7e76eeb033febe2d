"""Fetches what a client pointed at: https, a vetted address, no redirects, few bytes, a few seconds, one at a time."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from weakref import WeakValueDictionary

import httpcore2

from grantline.fetching.addresses import Resolve, resolve
from grantline.fetching.backend import GuardedBackend, Refused, trusting_public_authorities
from grantline.fetching.errors import CannotFetch
from grantline.fetching.settings import FetchSettings
from grantline.fetching.shapes import Shape
from grantline.fetching.urls import Url, read_url
from grantline.model.clock import Clock

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document. `headers`: lower-case names; of a repeated one the last."""

    body: bytes
    headers: dict[str, str]

    @property
    def media_type(self) -> str:
        """What it calls itself, parameters left out."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class _Send:
    """What is asked: nothing but these headers, so no cookie, no proxy of the environment, no credential unasked."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None


class Fetcher:
    """`resolve` and `tls` are handed in so that tests own the network; `tls` verifies names or it is of no use."""

    def __init__(
        self,
        clock: Clock,
        settings: FetchSettings | None = None,
        *,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings or FetchSettings()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or trusting_public_authorities(),
            max_connections=self._settings.at_once,
            # Each fetch dials anew, so that each is vetted.
            max_keepalive_connections=0,
            network_backend=GuardedBackend(resolve, frozenset(self._settings.private_hosts)),
        )
        self._hosts: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._failed: OrderedDict[str, int] = OrderedDict()

    async def __aenter__(self) -> "Fetcher":
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of what is under way."""
        await self._pool.aclose()

    async def get(self, url: str, shape: Shape) -> Fetched:
        """The document at `url`. Raises `CannotFetch`; for a while after a failure without asking again."""
        place = read_url(url, self._settings.private_hosts)
        self._require_not_failed(url)
        asked = _Send("GET", (("accept", "*/*"), ("accept-encoding", "identity")))
        try:
            async with self._turn(place), self._exchange(place, asked) as response:
                return await _read(place, response, shape)
        except CannotFetch:
            self._remember_failure(url)
            raise

    async def post(self, url: str, body: bytes, content_type: str, *, bearer: str | None = None) -> int:
        """Tell `url` something (a logout token, a ping); the status of the answer, which is not read.

        `bearer`: the token by which the receiver knows us. Raises `CannotFetch`; the caller decides on trying again.
        """
        place = read_url(url, self._settings.private_hosts)
        headers: tuple[tuple[str, str], ...] = (("content-type", content_type), ("cache-control", "no-store"))
        if bearer is not None:
            headers += (("authorization", f"Bearer {bearer}"),)
        async with self._turn(place), self._exchange(place, _Send("POST", headers, body)) as response:
            return response.status

    async def ask(
        self, url: str, body: bytes, content_type: str, shape: Shape, headers: tuple[tuple[str, str], ...] = ()
    ) -> Fetched:
        """Post to a server that an operator chose, and read its answer; `headers` go along. Raises `CannotFetch`.

        Somebody waits at a browser for each of these, so they do not wait for each other.
        """
        place = read_url(url, self._settings.private_hosts)
        asked = (("content-type", content_type), ("accept", "application/json"), ("accept-encoding", "identity"))
        send = _Send("POST", (*asked, *headers), body)
        async with self._in_time(place), self._exchange(place, send) as response:
            return await _read(place, response, shape)

    def disappointed(self, url: str) -> None:
        """What was fetched is of no use; it is not asked for again for a while, as if the fetch had failed."""
        self._remember_failure(url)

    # Turns

    @asynccontextmanager
    async def _turn(self, place: Url) -> AsyncIterator[None]:
        """One fetch of a host at a time; waiting counts as well."""
        lock = self._hosts.setdefault(place.host, asyncio.Lock())
        async with self._in_time(place), lock:
            yield

    @asynccontextmanager
    async def _in_time(self, place: Url) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._settings.seconds):
                yield
        except TimeoutError as error:
            raise CannotFetch(place.text, "too slow") from error

    @asynccontextmanager
    async def _exchange(self, place: Url, send: _Send) -> AsyncIterator[httpcore2.Response]:
        url = httpcore2.URL(scheme=b"https", host=place.host, port=place.port, target=place.target)
        headers = [("user-agent", "grantline"), *send.headers]
        try:
            async with self._pool.stream(send.method, url, headers=headers, content=send.body) as response:
                yield response
        except Refused as error:
            raise CannotFetch(place.text, str(error)) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            raise CannotFetch(place.text, repr(error)) from error

    # Failures

    def _require_not_failed(self, url: str) -> None:
        until = self._failed.get(url)
        if until is not None and self._clock.boot_ns() < until:
            raise CannotFetch(url, "failed a moment ago")

    def _remember_failure(self, url: str) -> None:
        now = self._clock.boot_ns()
        if self._failed.get(url, 0) > now:
            return
        self._failed[url] = now + int(self._settings.failed_seconds * _NS)
        self._failed.move_to_end(url)
        if len(self._failed) > self._settings.remembered:
            self._failed.popitem(last=False)


async def _read(place: Url, response: httpcore2.Response, shape: Shape) -> Fetched:
    """The whole body, if it is what was asked for."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status != 200:
        # A redirect is no answer either: where it leads was not vetted (check 133).
        raise CannotFetch(place.text, f"status {response.status}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise CannotFetch(place.text, "packed although identity was asked for")
    if not shape.reads(headers.get("content-type", "")):
        raise CannotFetch(place.text, f"content type {headers.get('content-type', 'none')[:80]}")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > shape.most:
            raise CannotFetch(place.text, f"more than {shape.most} bytes")
        chunks.append(chunk)
    return Fetched(b"".join(chunks), headers)
