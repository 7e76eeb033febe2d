"""Does the consent still stand at this moment? Asked twice of each call, the second time last before it leaves."""

from collections.abc import Callable, Iterable

import msgspec

from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.departures import Departures, OpenCall
from grantline.gateway.lease import Lease
from grantline.model.clock import Clock
from grantline.model.feed import Entry, Marks, Position
from grantline.model.ids import ConsentId
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims


class Stands(msgspec.Struct, frozen=True):  # a struct, because two are made for every call
    """The answer yes, and for how long: of the lease that the check was made under.

    `position`: place of the tables. `marks`: policy and catalog in force. `until_ns` on CLOCK_BOOTTIME.
    `ends_us`: unix µs, never later than that end; a signed context expires then.
    """

    position: Position
    marks: Marks
    until_ns: int
    remaining_ns: int
    ends_us: int


class Departure:
    """A call that may go. Say `left` when it was handed over and `ended` when it is over (or did not go at all)."""

    __slots__ = ("_calls", "_number", "stands")

    def __init__(self, stands: Stands, calls: Departures, number: int) -> None:
        self.stands = stands
        self._calls = calls
        self._number = number

    def left(self) -> None:
        """The call was handed over: to the upstream, or to the proxy as an answer."""
        self._calls.left(self._number)

    def ended(self) -> None:
        """The upstream's answer is complete, or the call was dropped."""
        self._calls.ended(self._number)


class Standing:
    """One worker's tables and lease. Without a lease, or with another bundle than announced, everything is denied.

    `proxy_timeout_ns`: after it the proxy itself ends a call whose end nobody tells; None where every end is told.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        worker: str = "0",
        loaded: Callable[[Marks], bool] = lambda _marks: True,
        proxy_timeout_ns: int | None = None,
    ) -> None:
        self.worker = worker
        self._clock = clock
        self._loaded = loaded
        self._lease: Lease | None = None
        self._cutoffs = Cutoffs()
        self._calls = Departures(clock, proxy_timeout_ns)

    # Asked by enforcement

    def check(self, claims: AccessClaims, signer: str = "") -> Reason | Stands:
        """Take the lease, hold the token against the tables, then read the clock against that lease: last.

        In any other order a lease could be used with tables that were read before it, or after its end. The wall
        clock is read before CLOCK_BOOTTIME, so a stop between the two shortens the context and never prolongs it.
        `signer`: the kid of the key that signed the token.
        """
        lease = self._take()
        if lease is None:
            return Reason.FEED_STALE
        refused = self._refused(claims, signer)
        if refused is not None:
            return refused
        return self._before_end(lease)

    def depart(self, claims: AccessClaims, first: Stands | None = None, signer: str = "") -> Reason | Departure:
        """The check after the record is durable. Await nothing between this and handing the call over.

        `first`: the answer the decision was made under; a policy or catalog announced since then refuses the call.
        """
        stands = self.check(claims, signer)
        if isinstance(stands, Reason):
            return stands
        if first is not None and first.marks != stands.marks:
            return Reason.POLICY_ERROR
        return Departure(stands, self._calls, self._calls.begin(claims, stands.position.seq))

    # Told by the follower

    @property
    def applied(self) -> Position | None:
        """The place of this worker's own tables."""
        return self._cutoffs.position

    def adopt(self, table: Cutoffs) -> None:
        """Begin with a copy of these tables; whatever lease there was belongs to others."""
        self._lease = None
        self._cutoffs = Cutoffs.restored(table.saved())

    def apply(self, incarnation: int, entries: Iterable[Entry]) -> None:
        """Take entries into the decision path. Raises `Gap`."""
        self._cutoffs.apply(incarnation, entries)

    def renew(self, lease: Lease | None) -> None:
        """Hold this lease from now on; None ends admission at once."""
        self._lease = lease

    def prune(self, now: int) -> None:
        """Drop what can no longer matter (unix seconds)."""
        self._cutoffs.prune(now)

    def recall(self, calls: Iterable[OpenCall]) -> None:
        """Count calls of an earlier boot that the spool shows without outcome."""
        self._calls.recall(calls)

    def acknowledged(self) -> int:
        """The place up to which no call of this worker, checked before, still waits to leave."""
        return self._calls.acknowledgeable(self._cutoffs.position.seq if self._cutoffs.position else 0)

    def busy(self) -> tuple[ConsentId, ...]:
        """Ended grants that still have calls in flight here."""
        return self._calls.busy(self._cutoffs.refuses)

    # The steps of a check

    def _take(self) -> Lease | None:
        lease = self._lease
        return lease if lease is not None and lease.covers(self._cutoffs.position) else None

    def _refused(self, claims: AccessClaims, signer: str) -> Reason | None:
        if not self._loaded(self._cutoffs.marks):
            return Reason.POLICY_ERROR
        return self._cutoffs.refuses(claims, signer)

    def _before_end(self, lease: Lease) -> Reason | Stands:
        position, marks = self._cutoffs.position, self._cutoffs.marks
        wall_us = self._clock.wall_us()
        remaining = lease.until_ns - self._clock.boot_ns()
        if position is None or remaining <= 0:
            return Reason.FEED_STALE
        return Stands(position, marks, lease.until_ns, remaining, wall_us + remaining // 1_000)
