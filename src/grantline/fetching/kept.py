"""Keeps documents in memory while they are fresh, so that a client's server is asked as seldom as it wishes."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from grantline.fetching.errors import CannotFetch
from grantline.fetching.fetcher import Fetcher
from grantline.fetching.freshness import Bounds, fresh_for
from grantline.fetching.shapes import Shape
from grantline.model.clock import Clock

T = TypeVar("T")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    value: T
    fetched_ns: int
    until_ns: int


class Kept(Generic[T]):
    """Documents of one shape by address. `read` makes the value and raises ValueError for what is none."""

    def __init__(
        self, fetcher: Fetcher, clock: Clock, shape: Shape, read: Callable[[bytes], T], *, bounds: Bounds, most: int
    ) -> None:
        self._fetcher, self._clock = fetcher, clock
        self._shape, self._read = shape, read
        self._bounds, self._most = bounds, most
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()

    async def get(self, url: str) -> T:
        """The document, fetched unless it is here and fresh. Raises `CannotFetch`."""
        entry = self._entries.get(url)
        if entry is not None and self._clock.boot_ns() < entry.until_ns:
            self._entries.move_to_end(url)
            return entry.value
        return await self._fetch(url)

    async def newer(self, url: str, seconds: int) -> T:
        """The document, fetched again unless that was done within so many seconds: something was missing in it."""
        entry = self._entries.get(url)
        if entry is not None and self._clock.boot_ns() < entry.fetched_ns + seconds * _NS:
            return entry.value
        return await self._fetch(url)

    async def _fetch(self, url: str) -> T:
        fetched = await self._fetcher.get(url, self._shape)
        try:
            value = self._read(fetched.body)
        except (ValueError, RecursionError) as error:
            self._fetcher.disappointed(url)
            raise CannotFetch(url, f"not a {self._shape.name}: {error}") from error
        now = self._clock.boot_ns()
        self._entries[url] = _Entry(value, now, now + fresh_for(fetched.headers, self._bounds) * _NS)
        self._entries.move_to_end(url)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)
        return value
