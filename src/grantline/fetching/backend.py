"""Dials for httpcore: the name is resolved once, every answer is checked, and the checked address itself is dialled.

Checking first and letting the client resolve again would be of no use: the second answer may be another (DNS
rebinding). TLS still verifies the name, because only the dialled address is replaced.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from grantline.fetching.addresses import Resolve, is_ordinary, is_public


class Refused(Exception):
    """The name leads somewhere it must not."""


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """A network of public addresses, and of the private ones behind `private_hosts`."""

    def __init__(self, resolve: Resolve, private_hosts: frozenset[str]) -> None:
        self._resolve = resolve
        self._private = private_hosts
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,  # noqa: ARG002 - httpcore's own signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that answers. Raises `Refused` if any of them is not allowed."""
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(f"no address: {error}") from error
        allowed = is_ordinary if host in self._private else is_public
        bad = [address for address in addresses if not allowed(address)]
        if bad or not addresses:
            raise Refused(f"addresses of {host}: {', '.join(addresses) or 'none'}")
        return await self._first(tuple(addresses), port, timeout, socket_options)

    async def _first(
        self, addresses: tuple[str, ...], port: int, seconds: float | None, options: Iterable[Any] | None
    ) -> httpcore2.AsyncNetworkStream:
        *others, last = addresses[:4]
        for address in others:
            try:
                return await self._inner.connect_tcp(address, port, seconds, None, options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(last, port, seconds, None, options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's own signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's own signature
    ) -> httpcore2.AsyncNetworkStream:
        """Never."""
        raise Refused(f"a unix socket: {path}")


def trusting_public_authorities() -> ssl.SSLContext:
    """TLS 1.2 and later, names verified, by the system's own certificate authorities."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
