"""Events that signals puts into the outbox."""

from grantline.model.clock import Clock
from grantline.model.events import Event, EventType
from grantline.model.feed import Closure, Position
from grantline.model.ids import GatewayId, Randomness, event_id


class Teller:
    """Makes events with a name and a time."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness

    def gateway(self, kind: EventType, act: str, gateway: GatewayId, **detail: object) -> Event:
        """Something a gateway did, or that was done to it."""
        now = self._clock.wall_us()
        return Event(
            event_id=event_id(self._randomness, now),
            type=kind,
            t=now,
            act=act,
            res="gateway",
            out="permit",
            detail={"gateway": gateway, **detail},
        )

    def finding(self, what: str, gateway: GatewayId, **detail: object) -> Event:
        """Something that must not happen; `what` is its code."""
        now = self._clock.wall_us()
        return Event(
            event_id=event_id(self._randomness, now),
            type=EventType.FINDING,
            t=now,
            act="raise",
            res="finding",
            out="error",
            rsn=what,
            detail={"gateway": gateway, **detail},
        )

    def incarnation(self, before: Position, after: Position) -> Event:
        """The feed goes on elsewhere: numbers of its former incarnation are never given again."""
        now = self._clock.wall_us()
        return Event(
            event_id=event_id(self._randomness, now),
            type=EventType.FEED_INCARNATION,
            t=now,
            act="raise",
            res="feed",
            out="permit",
            detail={"before": [before.incarnation, before.seq], "after": [after.incarnation, after.seq]},
        )

    def closure(self, kind: EventType, closure: Closure, cause: str) -> Event:
        """An ending that is now known to hold everywhere, or to have nothing in flight."""
        now = self._clock.wall_us()
        return Event(
            event_id=event_id(self._randomness, now),
            type=kind,
            t=now,
            act="close" if kind is EventType.CONSENT_CLOSED else "drain",
            res="consent",
            out="permit",
            rsn=cause,
            client=closure.client or None,
            consent=closure.consent,
            detail={
                "seq": closure.seq,
                "requested_us": closure.requested_us,
                "committed_us": closure.committed_us,
                "closed_after_us": closure.closed_after_us,
                "drained_after_us": closure.drained_after_us,
                "gateways": [[one.gateway, one.session, one.how, one.after_us] for one in closure.gateways],
            },
        )
