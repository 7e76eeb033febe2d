"""Opaque tokens: what they stand for is asked of the authority, once a minute at most, and held like a signed token's.

The answer is the token's claims with lineage, epoch and position, so each use is held against the feed as that of a
signed token is: an ending does not wait for the answer to grow old.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from grantline.gateway.allowance import Allowance
from grantline.model.clock import Clock
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims

KEPT_NS = 60_000_000_000
UNKNOWN_FOR_NS = 5_000_000_000
PATIENCE_S = 1.5
"""Shorter than a proxy waits for a decision, so that the caller learns the reason."""
CAPACITY = 10_000

T = TypeVar("T")
Ask = Callable[[bytes], Awaitable[AccessClaims | None]]
"""Asks the authority by the token's SHA-256; None: it is no good here. Raises what its transport raises."""


class OpaqueTokens:
    """A bounded copy of what was answered, least recently used first out.

    `misses`: questions a second that may find nothing; whoever makes tokens up cannot make us ask more. `failures` is
    told the operator's sentence when the authority does not answer.
    """

    def __init__(
        self,
        ask: Ask,
        clock: Clock,
        *,
        misses: int,
        capacity: int = CAPACITY,
        patience_s: float = PATIENCE_S,
        failures: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._capacity = capacity
        self._patience_s = patience_s
        self._failures = failures
        self._allowance = Allowance(misses, clock)
        self._good: OrderedDict[bytes, tuple[AccessClaims, int]] = OrderedDict()
        self._unknown: OrderedDict[bytes, int] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[AccessClaims | Reason]] = {}

    async def claims(self, digest: bytes) -> AccessClaims | Reason:
        """What the token stands for; `token_invalid` if it is none for us, `token_unavailable` if nobody can say.

        Callers that ask for one token at the same time share one question; a caller that gives up does not end it.
        """
        now = self._clock.boot_ns()
        kept = self._good.get(digest)
        if kept is not None and now < kept[1]:
            self._good.move_to_end(digest)
            return kept[0]
        if now < self._unknown.get(digest, 0):
            return Reason.TOKEN_INVALID
        running = self._under_way.get(digest)
        if running is None:
            running = asyncio.ensure_future(self._look_up(digest))
            self._under_way[digest] = running
            running.add_done_callback(lambda _done: self._under_way.pop(digest, None))
        return await asyncio.shield(running)

    async def _look_up(self, digest: bytes) -> AccessClaims | Reason:
        if not self._allowance.take():
            return Reason.TOKEN_UNAVAILABLE
        try:
            found = await asyncio.wait_for(self._ask(digest), self._patience_s)
        except Exception as error:  # Whatever the transport raises, the call is refused and the next one may try.
            self._failures(f"an opaque token could not be looked up: {error!r}")
            return Reason.TOKEN_UNAVAILABLE
        now = self._clock.boot_ns()
        if found is None:
            self._good.pop(digest, None)
            _remember(self._unknown, digest, now + UNKNOWN_FOR_NS, self._capacity)
            return Reason.TOKEN_INVALID
        self._allowance.give_back()
        _remember(self._good, digest, (found, now + KEPT_NS), self._capacity)
        return found


def _remember(kept: OrderedDict[bytes, T], digest: bytes, value: T, capacity: int) -> None:
    kept[digest] = value
    kept.move_to_end(digest)
    while len(kept) > capacity:
        kept.popitem(last=False)
