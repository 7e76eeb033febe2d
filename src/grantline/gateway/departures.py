"""Calls that passed the last check: which still wait to leave, which are in flight. Told in acknowledgements."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grantline.model.clock import Clock
from grantline.model.ids import ConsentId
from grantline.model.token import AccessClaims


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A decision without outcome, read back from the spool after a restart: the grants of its lineage."""

    grants: tuple[ConsentId, ...]


@dataclass(slots=True)
class _Call:
    """`left_ns` is None while the call waits to leave; `claims` is None for one read back from the spool."""

    claims: AccessClaims | None
    grants: tuple[ConsentId, ...]
    checked_at: int
    left_ns: int | None


class Departures:
    """Calls of one worker from the last check to their end."""

    def __init__(self, clock: Clock, proxy_timeout_ns: int | None) -> None:
        self._clock = clock
        self._timeout = proxy_timeout_ns
        self._calls: dict[int, _Call] = {}
        self._next = 0

    def begin(self, claims: AccessClaims, seq: int) -> int:
        """A call passed the last check with tables at `seq`; it has not left yet."""
        grants = tuple(dict.fromkeys((claims.grant_id, *(grant for grant, _ in claims.lin))))
        return self._keep(_Call(claims, grants, seq, None))

    def left(self, number: int) -> None:
        """The call was handed over."""
        call = self._calls.get(number)
        if call is not None and call.left_ns is None:
            call.left_ns = self._clock.boot_ns()

    def ended(self, number: int) -> None:
        """The call is over, or never left."""
        self._calls.pop(number, None)

    def recall(self, calls: Iterable[OpenCall]) -> None:
        """Count decisions of an earlier boot as in flight: how long ago they left is not known, so from now."""
        for call in calls:
            self._keep(_Call(None, call.grants, 0, self._clock.boot_ns()))

    def acknowledgeable(self, applied: int) -> int:
        """The highest place below which no call still waits to leave."""
        return min([applied, *(call.checked_at for call in self._calls.values() if call.left_ns is None)])

    def busy(self, refused: Callable[[AccessClaims], object]) -> tuple[ConsentId, ...]:
        """Grants of calls in flight that an applied entry ended (all grants of a call whose claims are gone)."""
        self._forget_timed_out()
        busy: dict[ConsentId, None] = {}
        for call in self._calls.values():
            if call.claims is None or refused(call.claims) is not None:
                busy.update(dict.fromkeys(call.grants))
        return tuple(busy)

    def _keep(self, call: _Call) -> int:
        self._next += 1
        self._calls[self._next] = call
        return self._next

    def _forget_timed_out(self) -> None:
        """The proxy ends a call after its own timeout, so whoever left longer ago is over without saying so."""
        if self._timeout is None:
            return
        now = self._clock.boot_ns()
        for number, call in list(self._calls.items()):
            if call.left_ns is not None and now - call.left_ns > self._timeout:
                del self._calls[number]
