"""What a gateway writes down: the whole input of each decision, and what became of the call."""

import re
from dataclasses import dataclass
from typing import Literal

from grantline.gateway.context import path_hash
from grantline.gateway.locate import Place
from grantline.gateway.standing import Stands
from grantline.gateway.verify import Caller
from grantline.model.decision import Call, Decision, Deny, Located, Permit
from grantline.model.events import Event, EventType, jti_hash
from grantline.model.ids import ConsentId, EvaluationId, GatewayId, PurposeId, Randomness, event_id
from grantline.model.reasons import NOT_FORWARDED, Reason

# It may quote the caller, and a caller must not make records large.
_LONGEST_WHY = 500
_TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\Z")


@dataclass(slots=True)
class Trail:
    """What is known of a call so far, filled in phase by phase. `now_us`: wall time the decision is taken for.

    `bound`: the caller showed that the token is its own; only then is anything recorded about it.
    `decision_seq`: number of the permit in the record, once that is durable.
    """

    evaluation: EvaluationId
    call: Call
    now_us: int
    policy: str = ""
    client_status: str = "unknown"
    caller: Caller | None = None
    bound: bool = False
    stands: Stands | None = None
    place: Place | None = None
    purpose: PurposeId | None = None
    decision_seq: int | None = None

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.now_us // 1_000_000


def decision_event(trail: Trail, decision: Decision, *, gateway: GatewayId, randomness: Randomness) -> Event:
    """`gateway.decision@1` of a call whose caller is bound. `detail` is enough to decide the same again (I14)."""
    assert trail.caller is not None
    claims = trail.caller.claims
    located = trail.place.located if trail.place is not None else None
    trace, span = _trace(trail.call)
    denied = decision if isinstance(decision, Deny) else None
    return Event(
        event_id=event_id(randomness, trail.now_us),
        type=EventType.GATEWAY_DECISION,
        t=trail.now_us,
        act=located.action if located else "call",
        res=located.datatype if located else "api",
        out="permit" if denied is None else "deny",
        rsn=denied.because.value if denied is not None else None,
        client=claims.client_id,
        subject=claims.sub,
        consent=claims.grant_id,
        version=claims.gver,
        purpose=trail.purpose,
        jti_hash=jti_hash(claims.jti),
        trace=trace,
        span=span,
        policy=trail.policy,
        detail=_of_the_call(trail, trail.caller, gateway) | _of_the_place(located) | _of_the_decision(decision),
    )


def _of_the_call(trail: Trail, caller: Caller, gateway: GatewayId) -> dict[str, object]:
    claims, stands = caller.claims, trail.stands
    return {
        "evaluation": trail.evaluation,
        "gateway": gateway,
        "consent": claims.grant_id,
        "version": claims.gver,
        "epoch": claims.gep,
        "lineage": claims.lin,
        "subject": claims.sub,
        "actor": actor_of(caller),
        "client": claims.client_id,
        "client_status": trail.client_status,
        "api": trail.call.api,
        "method": trail.call.method,
        "path_hash": path_hash(trail.call),
        "purpose": trail.purpose,
        "now": trail.now,
        "position": [stands.position.incarnation, stands.position.seq] if stands else None,
        "lease": stands.remaining_ns // 1_000_000 if stands else None,
    }


def _of_the_place(located: Located | None) -> dict[str, object]:
    if located is None:
        return {}
    return {
        "route": located.route,
        "endpoint": located.endpoint_class,
        "action": located.action,
        "datatype": located.datatype,
        "resources": located.resources,
        "asked": located.asked_fields,
        "since": located.since,
    }


def _of_the_decision(decision: Decision) -> dict[str, object]:
    match decision:
        case Permit():
            return {"fields": decision.fields}
        case Deny():
            return {"fields": (), "why": decision.detail[:_LONGEST_WHY]}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a permitted call. `status` None: nobody can say. `reason`: why it did not go after all.

    `forwarded` False: it never went, because whoever made it left first.
    """

    evaluation: EvaluationId
    consent: ConsentId
    decision_seq: int
    status: int | None
    sent: int | None = None
    ms: float | None = None
    reason: Reason | None = None
    forwarded: bool = True


def outcome_event(outcome: Outcome, *, now_us: int, randomness: Randomness) -> Event:
    """`gateway.outcome@1`, joined to its decision by evaluation id."""
    out, rsn = _ending(outcome)
    return Event(
        event_id=event_id(randomness, now_us),
        type=EventType.GATEWAY_OUTCOME,
        t=now_us,
        act="call",
        res="api",
        out=out,
        rsn=rsn,
        consent=outcome.consent,
        detail={
            "evaluation": outcome.evaluation,
            "decision_seq": outcome.decision_seq,
            "status": outcome.status,
            "bytes": outcome.sent,
            "ms": round(outcome.ms) if outcome.ms is not None else None,
        },
    )


def _ending(outcome: Outcome) -> tuple[Literal["permit", "deny", "error"], str | None]:
    """`out` and `rsn`: whether the call went at all, then how it went."""
    if outcome.reason is not None:
        return "deny", outcome.reason.value
    if not outcome.forwarded:
        return "deny", NOT_FORWARDED
    if outcome.status is None:
        return "error", "outcome_unknown"
    return ("error" if outcome.status >= 500 else "permit"), None


def own_event(
    kind: EventType, out: Literal["permit", "deny", "error"], code: str | None, gateway: GatewayId, *,
    now_us: int, randomness: Randomness,
) -> Event:  # fmt: skip
    """What happened to the gateway itself rather than to a call."""
    return Event(
        event_id=event_id(randomness, now_us), type=kind, t=now_us, act="run", res="gateway", out=out, rsn=code,
        detail={"gateway": gateway},
    )  # fmt: skip


def heartbeat_event(boot: str, last: int, counts: dict[str, int], *, now_us: int, randomness: Randomness) -> Event:
    """`producer.heartbeat@1`: a second account of what was recorded, apart from the numbers (AUDIT §5.3)."""
    return Event(
        event_id=event_id(randomness, now_us), type=EventType.HEARTBEAT, t=now_us, act="beat", res="gateway",
        out="permit", detail={"boot": boot, "last": last, "counts": counts},
    )  # fmt: skip


def actor_of(caller: Caller) -> str | None:
    """The agent that acts by this token, if any (RFC 8693 §4.1)."""
    act = caller.claims.act
    return str(act.get("sub", "")) if act is not None else None


def _trace(call: Call) -> tuple[str | None, str | None]:
    """Trace and span of a W3C `traceparent`; anything else is nobody's."""
    found = _TRACE.match(call.header("traceparent") or "")
    return (found[1], found[2]) if found else (None, None)
