"""The one place a filtered call goes on to. Streams both ways over a bounded pool; never repeats a call."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import httpcore2

from grantline.gateway.minimiser.settings import Settings

Answer = httpcore2.Response
UNREACHABLE = (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout)
BROKEN = (httpcore2.NetworkError, httpcore2.ProtocolError)
LATE = httpcore2.TimeoutException


@dataclass(frozen=True, slots=True)
class Address:
    """Where the upstream listens. `scheme` is `http` or `https`."""

    host: str
    port: int
    scheme: str = "http"


class Upstream:
    """A pool of connections to one address. Close it with `aclose`."""

    def __init__(self, address: Address, bounds: Settings) -> None:
        self._address = address
        self._pool = httpcore2.AsyncConnectionPool(
            max_connections=bounds.connections,
            max_keepalive_connections=bounds.connections,
            keepalive_expiry=bounds.idle_timeout_s,
            # A call that was begun is never begun again: the first may have been carried out.
            retries=0,
        )
        self._timeout = {
            "connect": bounds.connect_timeout_s,
            "pool": bounds.connect_timeout_s,
            "read": bounds.read_timeout_s,
            "write": bounds.read_timeout_s,
        }

    def call(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: AsyncIterator[bytes] | None
    ) -> AbstractAsyncContextManager[Answer]:
        """Send a request; `target` is the raw path and query. Raises `UNREACHABLE`, `BROKEN` or `LATE` errors."""
        address = self._address
        url = httpcore2.URL(
            scheme=address.scheme.encode(), host=address.host.encode(), port=address.port, target=target
        )
        return self._pool.stream(method, url, headers=headers, content=body, extensions={"timeout": self._timeout})

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
