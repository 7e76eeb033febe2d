"""Counts one entry down to CLOSED and DRAINED: who could still admit a call of it, and who still has one in flight."""

from collections.abc import Iterable

from msgspec.structs import replace

from grantline.model.feed import Ack, Closure, ClosureState, GatewayClosure
from grantline.model.ids import ClientId, ConsentId, SessionId
from grantline.signals.feed.sessions import Session
from grantline.signals.store import FeedLine


class Count:
    """One entry in counting. All times are nanoseconds of the authority's CLOCK_BOOTTIME.

    `commit_ns`: no later than the return of the commit, for the figures told. `fence_ns`: when the longest lease
    that knew nothing of the entry is certainly over, counted from when this process saw the commit.
    """

    def __init__(
        self,
        line: FeedLine,
        members: Iterable[Session],
        *,
        commit_ns: int,
        committed_us: int,
        fence_ns: int,
        drain_ns: int | None,
    ) -> None:
        self.seq = line.entry.seq
        self.consent = ConsentId(line.entry.id)
        self.cause = line.entry.cause
        self._client = line.client or ClientId("")
        self._requested_us = committed_us if line.requested_us is None else min(line.requested_us, committed_us)
        self._commit_ns = commit_ns
        self._committed_us = committed_us
        self._members = {member.session: member for member in members}
        self._how: dict[SessionId, GatewayClosure] = {}
        self._in_flight = set(self._members)
        self.fence_ns = fence_ns
        self.drain_ns = None if drain_ns is None else fence_ns + drain_ns
        self.closed_us: int | None = None
        self.drained_us: int | None = None

    @classmethod
    def closed_before(
        cls, closure: Closure, line: FeedLine, *, commit_ns: int, start_ns: int, drain_ns: int | None
    ) -> "Count":
        """A closure of an earlier start that is not drained yet. Its sessions are gone; others report for them."""
        members = [Session(one.session, one.gateway, "") for one in closure.gateways]
        for member in members:
            member.disconnect(start_ns)
        count = cls(
            line,
            members,
            commit_ns=commit_ns,
            committed_us=closure.committed_us,
            fence_ns=start_ns,
            drain_ns=drain_ns,
        )
        count.closed_us = closure.closed_after_us
        count._how = {one.session: one for one in closure.gateways}
        return count

    # What happens

    def look(self, now_ns: int) -> bool:
        """Take in acknowledgements and the time; True if a session came out of the wait."""
        before = len(self._how)
        for member in self._members.values():
            if member.session in self._how:
                continue
            if member.acknowledged >= self.seq:
                self._settle(member, "acknowledged", now_ns)
            elif now_ns >= self.fence_ns:
                self._settle(member, "fenced", now_ns)
        if self.drain_ns is not None and now_ns >= self.drain_ns:
            self._in_flight -= {one.session for one in self._how.values() if one.how == "fenced"}
        return len(self._how) != before

    def hear(self, reporter: Session, ack: Ack, *, speaks_for_gone: bool) -> None:
        """An acknowledgement at or beyond the entry that names no call of its grant empties its session.

        `speaks_for_gone`: it also speaks for former sessions of its gateway, whose calls it read from the spool.
        """
        if reporter.acknowledged < self.seq or self.consent in ack.busy:
            return
        self._in_flight.discard(reporter.session)
        if speaks_for_gone:
            self._in_flight -= {
                member.session
                for member in self._members.values()
                if member.gateway == reporter.gateway and not member.connected
            }

    # What is so

    @property
    def closable(self) -> bool:
        """No session is left that could admit a call."""
        return len(self._how) >= len(self._members)

    @property
    def empty(self) -> bool:
        """No call of the grant can be in flight."""
        return not self._in_flight

    @property
    def fenced(self) -> list[Session]:
        """Sessions whose wait ended by time."""
        return [self._members[name] for name, one in self._how.items() if one.how == "fenced" and name in self._members]

    def since_commit_us(self, now_ns: int) -> int:
        """Microseconds since the commit, never told too few."""
        return -((self._commit_ns - now_ns) // 1_000)

    def closure(self, *, counted: bool = True) -> Closure:
        """As it stands; `counted=False`: this process no longer knows."""
        return Closure(
            seq=self.seq,
            consent=self.consent,
            client=self._client,
            requested_us=self._requested_us,
            committed_us=self._committed_us,
            state=self._state(counted),
            closed_after_us=self.closed_us,
            drained_after_us=self.drained_us,
            gateways=tuple(self._told(member) for member in self._members.values()),
        )

    def ended(self, *, closed_us: int, drained_us: int | None) -> Closure:
        """As it stands once this is committed."""
        return replace(
            self.closure(), state=ClosureState.CLOSED, closed_after_us=closed_us, drained_after_us=drained_us
        )

    def _state(self, counted: bool) -> ClosureState:
        if self.closed_us is not None:
            return ClosureState.CLOSED
        if not counted:
            return ClosureState.UNKNOWN
        return ClosureState.PARTIAL if self._how else ClosureState.OPEN

    def _told(self, member: Session) -> GatewayClosure:
        known = self._how.get(member.session)
        return known or GatewayClosure(gateway=member.gateway, session=member.session, how="waiting", after_us=None)

    def _settle(self, member: Session, how: str, now_ns: int) -> None:
        self._how[member.session] = GatewayClosure(
            gateway=member.gateway,
            session=member.session,
            how="acknowledged" if how == "acknowledged" else "fenced",
            after_us=self.since_commit_us(now_ns),
        )
