"""Every way in which a consent may change its state, as a table to read down (CONSENT.md A). Nothing else may."""

from dataclasses import dataclass

import msgspec

from grantline.model.consent import State, Status
from grantline.model.errors import Conflict
from grantline.model.events import EventType
from grantline.model.reasons import Reason

S = Status
TERMINAL = frozenset({S.REFUSED, S.LAPSED, S.WITHDRAWN, S.REVOKED, S.EXPIRED, S.COMPLETED, S.INVALIDATED})
STANDING = frozenset({S.ACTIVE, S.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Transition:
    """One row. `cause`: what gateways tell callers whose tokens it cuts off; None: no token can exist yet."""

    number: str
    name: str
    sources: frozenset[Status | None]
    target: Status
    event: EventType
    cause: Reason | None


REQUEST = Transition("T1", "request", frozenset({None}), S.REQUESTED, EventType.CONSENT_REQUESTED, None)
REFUSE = Transition("T2", "refuse", frozenset({S.REQUESTED}), S.REFUSED, EventType.CONSENT_REFUSED, None)
LAPSE = Transition("T2", "lapse", frozenset({S.REQUESTED}), S.LAPSED, EventType.CONSENT_REFUSED, None)
GIVE = Transition("T4", "give", frozenset({S.REQUESTED}), S.ACTIVE, EventType.CONSENT_GIVEN, None)
PASS_ON = Transition("T4", "pass on", frozenset({None}), S.ACTIVE, EventType.CONSENT_PASSED_ON, None)
SUPERSEDE = Transition(
    "T6", "supersede", frozenset({S.ACTIVE}), S.ACTIVE, EventType.CONSENT_AMENDED, Reason.GRANT_SUPERSEDED
)
WITHDRAW = Transition(
    "T9", "withdraw", frozenset({S.REQUESTED, S.AWAITING_APPROVAL, S.ACTIVE, S.SUSPENDED}), S.WITHDRAWN,
    EventType.CONSENT_WITHDRAWN, Reason.GRANT_WITHDRAWN,
)  # fmt: skip
REVOKE = Transition("T10", "revoke", STANDING, S.REVOKED, EventType.CONSENT_REVOKED, Reason.GRANT_REVOKED)
EXPIRE = Transition("T11", "expire", STANDING, S.EXPIRED, EventType.CONSENT_EXPIRED, Reason.GRANT_EXPIRED)

TRANSITIONS = (REQUEST, REFUSE, LAPSE, GIVE, PASS_ON, SUPERSEDE, WITHDRAW, REVOKE, EXPIRE)
NOT_YET = ("T3", "T5", "T7", "T8", "T12", "T13")
"""Approval by others, suspension and resumption, completion, invalidation: no code path leads there yet."""


def check(transition: Transition, status: Status | None) -> None:
    """Raises `Conflict` unless this transition may start from this state."""
    if status not in transition.sources:
        raise Conflict(f"This consent is {status}; it cannot be changed in this way.", detail=transition.number)


def ended(state: State, transition: Transition, *, at: int, by: str, cause: str) -> State:
    """The state after an ending. Where tokens may exist the epoch rises, so that none of them counts any more."""
    check(transition, state.status)
    step = 0 if transition.cause is None else 1
    return msgspec.structs.replace(
        state,
        status=transition.target,
        epoch=state.epoch + step,
        min_epoch=state.epoch + step,
        ended_at=at,
        ended_by=by,
        cause=cause,
    )
