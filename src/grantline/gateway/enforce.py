"""One call, from the proxy's question to the answer: the pipeline of every adapter. Anything unforeseen denies."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from grantline.crypto.es256 import KeyFinder, SigningKey
from grantline.crypto.nonces import Nonces
from grantline.gateway.bind import Possession, Replays
from grantline.gateway.calls import limited
from grantline.gateway.compiled import Compiled
from grantline.gateway.context import context_end, sign_context
from grantline.gateway.described import ResourceMetadata
from grantline.gateway.facts import call_facts
from grantline.gateway.lineage import Agreed, agreed, intersect
from grantline.gateway.locate import Place
from grantline.gateway.purpose import purpose_of
from grantline.gateway.records import Outcome, Trail, decision_event, outcome_event
from grantline.gateway.refusal import Refusal
from grantline.gateway.standing import Departure, Stands
from grantline.gateway.step_up import StepUp
from grantline.gateway.store import CallAllowance, Record, StandingCheck, TokenLookup, VersionStore
from grantline.gateway.verify import Caller, Tokens, presented
from grantline.model.clock import Clock
from grantline.model.consent import EnforcedVersion, Status
from grantline.model.decision import Call, Decision, Deny, Permit
from grantline.model.errors import AuditUnavailable
from grantline.model.ids import ApiId, ConsentId, EvaluationId, GatewayId, Randomness, opaque
from grantline.model.reasons import Reason
from grantline.policy import StateFacts

_log = logging.getLogger(__name__)
_CLIENT_GONE = 499

# A client that proves possession may go on at once if it has the nonce already.
_NONCE_HELPS = {Reason.PROOF_NONCE, Reason.PROOF_MISSING, Reason.PROOF_INVALID}


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call may go on. Hand it over at once, then tell `departure`; nothing may be awaited in between.

    `context`: the signed header for the upstream, which ends at `context_exp` (unix s). `nonce`: for `DPoP-Nonce`.
    """

    permit: Permit
    departure: Departure
    consent: ConsentId
    decision_seq: int
    context: str
    context_exp: float
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The call ends here. `scheme`: to challenge with, None offers both. `scopes`: that would reach what is missing.

    `step_up`: the sign-in that would do, where the person's does not.
    """

    deny: Deny
    scheme: str | None
    nonce: str | None
    scopes: tuple[str, ...] = ()
    step_up: StepUp | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """This gateway: its name, and the key whose public half upstreams have pinned."""

    name: GatewayId
    key: SigningKey


class Gateway:
    """Decides calls. Counts refusals of callers that are not bound yet in `unbound`; all others are recorded.

    Those that found no room in the record are counted in `unrecorded`.
    """

    def __init__(
        self, identity: Identity, *, find: KeyFinder, standing: StandingCheck, versions: VersionStore, record: Record,
        clock: Clock, randomness: Randomness, replays: Replays | None = None, opaque: TokenLookup | None = None,
        calls: CallAllowance | None = None,
    ) -> None:  # fmt: skip
        self._identity = identity
        self._standing, self._versions, self._record = standing, versions, record
        self._clock, self._randomness = clock, randomness
        self._tokens = Tokens(find, opaque=opaque)
        self._calls = calls
        self._possession = Possession(Nonces(randomness(32)), replays or Replays())
        self._compiled: Compiled | None = None
        self._described: dict[ApiId, ResourceMetadata] = {}
        self.unbound: Counter[Reason] = Counter()
        self.lost_outcomes = 0
        self.unrecorded = 0

    def use(self, compiled: Compiled) -> None:
        """Enforce this bundle from the next call on."""
        self._compiled = compiled
        self._described = {}
        self._tokens.forget()

    def audience(self, api: ApiId) -> str | None:
        """The resource identifier of an API that is served here; None without bundle or for another API."""
        try:
            return self._compiled.places.audience(api) if self._compiled else None
        except Refusal:
            return None

    def metadata(self, api: ApiId) -> ResourceMetadata | None:
        """What that API says of itself; None as above."""
        if self._compiled is None or self.audience(api) is None:
            return None
        found = self._described.get(api)
        if found is None:
            found = self._described[api] = self._compiled.metadata(api)
        return found

    async def decide(self, call: Call) -> Admitted | Refused:
        """May this call go on? Never raises: what is not foreseen is refused with `policy_error`."""
        trail = Trail(EvaluationId(opaque("ev", self._randomness)), call, self._clock.wall_us())
        try:
            return await self._enforce(call, trail)
        except Refusal as refusal:
            return await self._refuse(trail, Deny(refusal.reason, trail.evaluation, refusal.detail), refusal.scheme)
        except AuditUnavailable as error:
            return await self._refuse(trail, Deny(Reason.AUDIT_UNAVAILABLE, trail.evaluation, error.detail))
        except Exception as error:
            _log.exception("a call could not be judged", extra={"evaluation": trail.evaluation})
            return await self._refuse(trail, Deny(Reason.POLICY_ERROR, trail.evaluation, repr(error)))

    async def _enforce(self, call: Call, trail: Trail) -> Admitted | Refused:
        """One request. Each phase raises `Refusal` where the call ends in it."""
        bundle = self._bundle(trail)
        caller = await self._verify(call, bundle, trail)
        nonce = self._bind(call, caller, bundle, trail)
        stands = self._first_standing(caller, trail)
        place = self._locate(call, caller, bundle, trail)
        stands_on = await self._agreed(caller)
        decision = self._decide(caller, place, stands_on, bundle, trail)
        if isinstance(decision, Deny):
            return await self._refuse(trail, decision)
        _require_enforceable(decision, call)
        await self._reserve(place, stands_on, decision)
        trail.decision_seq = await self._recorded(decision, trail)
        # From here nothing is awaited until the adapter has handed the call over.
        departure = self._last_standing(caller, stands)
        return self._admit(
            decision, departure, call=call, caller=caller, place=place, version=stands_on.version,
            seq=trail.decision_seq, nonce=nonce,
        )  # fmt: skip

    # The phases

    def _bundle(self, trail: Trail) -> Compiled:
        if self._compiled is None:
            raise Refusal(Reason.FEED_STALE, "no bundle yet")
        trail.policy = self._compiled.decider.policies.hash
        return self._compiled

    async def _verify(self, call: Call, bundle: Compiled, trail: Trail) -> Caller:
        audience = bundle.places.audience(call.api)
        caller = await self._tokens.verify(call, issuer=bundle.issuer, audience=audience, now=trail.now)
        if caller.signer and bundle.places.wants_opaque(call.api):
            raise Refusal(Reason.TOKEN_INVALID, "a signed token, where the API asks for opaque ones")
        trail.caller = caller
        return caller

    def _bind(self, call: Call, caller: Caller, bundle: Compiled, trail: Trail) -> str | None:
        fresh = self._possession.bind(call, caller, trail.now)
        trail.bound = True
        trail.client_status = bundle.client_status(caller.claims.client_id)
        return fresh

    def _first_standing(self, caller: Caller, trail: Trail) -> Stands:
        stands = self._standing.check(caller.claims, caller.signer)
        if isinstance(stands, Reason):
            raise Refusal(stands)
        trail.stands = stands
        return stands

    def _locate(self, call: Call, caller: Caller, bundle: Compiled, trail: Trail) -> Place:
        place = trail.place = bundle.places.place(call)
        trail.purpose = purpose_of(call, caller.claims.pur)
        place.route.step_up.require(caller.claims, trail.now)
        return place

    async def _agreed(self, caller: Caller) -> Agreed:
        named = caller.claims.grant_id, caller.claims.gver
        version = self._versions.cached(*named) or await self._versions.get(*named)
        if isinstance(version, Reason):
            raise Refusal(version, f"version {named[1]} of {named[0]}")
        return await agreed(self._versions, version, caller.claims)

    def _decide(self, caller: Caller, place: Place, stands_on: Agreed, bundle: Compiled, trail: Trail) -> Decision:
        # The feed has no cut-off against this token's epoch, so its epoch is the least that stands.
        epoch = caller.claims.gep
        state = StateFacts(Status.ACTIVE, epoch, epoch, trail.client_status)
        facts = call_facts(trail, caller, place, bundle.places)
        decision = bundle.decider.decide(stands_on.version, state, facts, trail.now)
        return intersect(decision, stands_on.of, bundle, facts, trail.now)

    async def _reserve(self, place: Place, stands_on: Agreed, permit: Permit) -> None:
        """Use a call up, where a limited number was agreed to. One that is refused later is gone: never more."""
        versions = (stands_on.version, *(whole.version for whole in stands_on.of))
        wanted = limited(versions, place.located, permit.purpose)
        if wanted is not None:
            refused = Reason.LIMIT_UNKNOWN if self._calls is None else await self._calls.take(wanted)
            if refused is not None:
                raise Refusal(refused, f"calls of {wanted.consent}")

    async def _recorded(self, decision: Decision, trail: Trail) -> int:
        event = decision_event(trail, decision, gateway=self._identity.name, randomness=self._randomness)
        kept = self._record.append(event)
        try:
            # Who asked may leave; what is on its way to the record is not called back, and a permit needs its end.
            return await asyncio.shield(kept)
        except asyncio.CancelledError:
            if isinstance(decision, Permit):
                kept.add_done_callback(lambda done: self._abandoned(trail, done))
            raise

    def _last_standing(self, caller: Caller, first: Stands) -> Departure:
        departure = self._standing.depart(caller.claims, first, caller.signer)
        if isinstance(departure, Reason):
            raise Refusal(departure, "ended while the call was being recorded")
        return departure

    def _admit(
        self, permit: Permit, departure: Departure, *, call: Call, caller: Caller, place: Place,
        version: EnforcedVersion, seq: int, nonce: str | None,
    ) -> Admitted:  # fmt: skip
        now_us, stands = self._clock.wall_us(), departure.stands
        try:
            context = sign_context(
                self._identity.key, self._identity.name, call=call, caller=caller, located=place.located,
                version=version, permit=permit, audience=place.resource, stands=stands, now_us=now_us,
            )  # fmt: skip
        except Exception:
            departure.ended()
            raise
        end = context_end(stands, now_us)
        return Admitted(permit, departure, caller.claims.grant_id, seq, context, end, nonce)

    # How a call ends

    async def _refuse(self, trail: Trail, deny: Deny, scheme: str | None = None) -> Refused:
        """The answer no. What is known of a bound caller's call is written down first, if it can be."""
        if not trail.bound:
            self.unbound[deny.because] += 1
        elif trail.decision_seq is not None and trail.caller is not None:
            grant = trail.caller.claims.grant_id
            status = deny.answer.status
            self.note(Outcome(trail.evaluation, grant, trail.decision_seq, status, reason=deny.because))
        else:
            try:
                await self._recorded(deny, trail)
            except AuditUnavailable:  # No is no, recorded or not.
                self.unrecorded += 1
        return Refused(
            deny=deny,
            scheme=scheme or presented(trail.call),
            nonce=self._possession.nonces.current(trail.now) if deny.because in _NONCE_HELPS else None,
            scopes=self._scopes(trail, deny),
            step_up=trail.place.route.step_up if trail.place and deny.because is Reason.STEP_UP else None,
        )

    def _scopes(self, trail: Trail, deny: Deny) -> tuple[str, ...]:
        if self._compiled is None or trail.place is None or deny.answer.error != "insufficient_scope":
            return ()
        return self._compiled.places.scopes_for(trail.place, trail.purpose)

    def withdraw(self, admitted: Admitted, reason: Reason) -> Refused:
        """An adapter could not hand the call over after all: it never went."""
        admitted.departure.ended()
        deny = Deny(reason, admitted.permit.evaluation, "the adapter could not hand the call over")
        status = deny.answer.status
        self.note(Outcome(admitted.permit.evaluation, admitted.consent, admitted.decision_seq, status, reason=reason))
        return Refused(deny, None, None)

    def abandon(self, admitted: Admitted) -> None:
        """Nobody waits for this answer any more: the call never went."""
        admitted.departure.ended()
        self._never_went(admitted.permit.evaluation, admitted.consent, admitted.decision_seq)

    def _abandoned(self, trail: Trail, kept: asyncio.Future[int]) -> None:
        if not kept.cancelled() and kept.exception() is None and trail.caller is not None:
            self._never_went(trail.evaluation, trail.caller.claims.grant_id, kept.result())

    def _never_went(self, evaluation: EvaluationId, consent: ConsentId, seq: int) -> None:
        self.note(Outcome(evaluation, consent, seq, _CLIENT_GONE, sent=0, forwarded=False))

    def finish(self, admitted: Admitted, *, status: int | None, sent: int, ms: float) -> None:
        """The call is over: what the client got (`status` None: nobody can say)."""
        admitted.departure.ended()
        self.note(Outcome(admitted.permit.evaluation, admitted.consent, admitted.decision_seq, status, sent, ms))

    def note(self, outcome: Outcome) -> None:
        """Write down an outcome without waiting for it; one that cannot be kept is counted in `lost_outcomes`."""
        event = outcome_event(outcome, now_us=self._clock.wall_us(), randomness=self._randomness)
        try:
            self._record.append(event, outcome=True).add_done_callback(self._noted)
        except AuditUnavailable:
            self.lost_outcomes += 1

    def _noted(self, done: asyncio.Future[int]) -> None:
        if done.cancelled() or done.exception() is not None:
            self.lost_outcomes += 1


def _require_enforceable(permit: Permit, call: Call) -> None:
    """A permit that its adapter cannot keep is none."""
    beyond = permit.obligations - call.enforces
    if beyond:
        raise Refusal(Reason.OBLIGATION_UNSUPPORTED, f"the adapter cannot enforce {', '.join(sorted(beyond))}")
