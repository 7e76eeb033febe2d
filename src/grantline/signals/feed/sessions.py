"""Feed sessions: one connection of one gateway each, and who among them could still hold a lease."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grantline.model.feed import Ack, FromAuthority
from grantline.model.ids import GatewayId, SessionId


@dataclass(frozen=True, slots=True)
class Wire:
    """One connection as its session uses it: neither call waits or fails. A receiver that is too slow is dropped."""

    send: Callable[[FromAuthority], None]
    drop: Callable[[], None]


GONE = Wire(lambda _message: None, lambda: None)
"""The wire of a session whose connection has ended."""


class Session:
    """What the authority knows of one connection. Acknowledgements count for this session alone.

    `beats`: it is renewed. `connected`: it can still be sent entries and acknowledge them. `stopped_ns`: since when
    it gets no beats (CLOCK_BOOTTIME); its last lease ends a lease, the margin and the skew later. `key`: thumbprint
    of the key that opened it; empty for one of an earlier start, which is not connected. `keys`: kids that it holds.
    """

    def __init__(
        self,
        session: SessionId,
        gateway: GatewayId,
        boot: str,
        workers: Iterable[str] = (),
        wire: Wire = GONE,
        *,
        key: str = "",
    ) -> None:
        self.session = session
        self.gateway = gateway
        self.boot = boot
        self.wire = wire
        self.key = key
        self.sent = 0
        self.ping: int | None = None
        self.beats = True
        self.connected = True
        self.stopped_ns: int | None = None
        self.fence_told = False
        self.keys: frozenset[str] = frozenset()
        self._applied: dict[str, int] = dict.fromkeys(workers, 0)

    @property
    def acknowledged(self) -> int:
        """The place that every worker has acknowledged."""
        return min(self._applied.values(), default=0)

    def take(self, ack: Ack) -> None:
        """Acknowledgements are cumulative: what a worker once had, it has."""
        for worker, seq in ack.workers:
            self._applied[worker] = max(seq, self._applied.get(worker, 0))
        self.keys = frozenset(ack.keys)

    def stop_beats(self, now_ns: int) -> None:
        """No renewal from now on. The session stays in every wait that it is in."""
        if self.beats:
            self.beats, self.stopped_ns = False, now_ns

    def disconnect(self, now_ns: int) -> None:
        """The connection is gone; nothing more will be heard of this session."""
        self.stop_beats(now_ns)
        self.connected = False
        self.wire = GONE


class Roll:
    """All sessions that could hold a lease, in the order in which they were opened."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, Session] = {}
        self._cloned: set[GatewayId] = set()

    def add(self, session: Session) -> None:
        """From now on every wait includes it."""
        self._sessions[session.session] = session

    def members(self) -> tuple[Session, ...]:
        """Whoever could hold a lease now."""
        return tuple(self._sessions.values())

    def connected(self) -> list[Session]:
        """Whoever can be sent entries."""
        return [session for session in self._sessions.values() if session.connected]

    def beating(self) -> list[tuple[Session, int]]:
        """Whoever is due a beat, with the ping to echo."""
        return [
            (session, session.ping)
            for session in self._sessions.values()
            if session.beats and session.connected and session.ping is not None
        ]

    def renewed(self, gateway: GatewayId) -> list[Session]:
        """Sessions of one gateway that get beats; more than one must never be."""
        return [session for session in self._sessions.values() if session.gateway == gateway and session.beats]

    def mark_cloned(self, gateway: GatewayId) -> None:
        """Two processes used this gateway's key at once: neither speaks for the other any more."""
        self._cloned.add(gateway)

    def cloned(self, gateway: GatewayId) -> bool:
        """Whether that was ever seen."""
        return gateway in self._cloned

    def over(self, now_ns: int, fence_ns: int) -> list[Session]:
        """Sessions without connection whose last lease has certainly run out."""
        return [
            session
            for session in self._sessions.values()
            if not session.connected and session.stopped_ns is not None and now_ns >= session.stopped_ns + fence_ns
        ]

    def retire(self, session: Session) -> None:
        """It is in no later wait. Waits that began before keep it."""
        self._sessions.pop(session.session, None)
