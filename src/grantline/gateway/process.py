"""A gateway process: every part at its place, from the first sentence to the authority to the last record."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx2

from grantline.crypto.custody.file import read_private
from grantline.gateway.adapters.envoy import Questions, serve_envoy
from grantline.gateway.authority_client import AuthorityClient
from grantline.gateway.bind import Replays
from grantline.gateway.bundle import Bundle
from grantline.gateway.calls import Calls
from grantline.gateway.compiled import Compiled
from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.departures import OpenCall
from grantline.gateway.described import describing
from grantline.gateway.enforce import Gateway, Identity
from grantline.gateway.flights import Flights
from grantline.gateway.follower import Follower, FollowerSettings
from grantline.gateway.following import Following
from grantline.gateway.heartbeat import beat
from grantline.gateway.instance_key import instance_key
from grantline.gateway.minimiser import Address, Hop, Pending, Upstream, Verify, serve, unix_socket
from grantline.gateway.minimiser import Settings as MinimiserSettings
from grantline.gateway.opaque import OpaqueTokens
from grantline.gateway.records import Outcome, own_event
from grantline.gateway.settings import GatewaySettings
from grantline.gateway.shipper import Submit, ship
from grantline.gateway.spool import Spool
from grantline.gateway.standing import Standing
from grantline.gateway.table_file import TableFile
from grantline.gateway.verify import asking_for_keys
from grantline.gateway.versions import Versions
from grantline.ledger.gaps import LATE_US, outage_event
from grantline.ledger.set_aside import SetAside
from grantline.model.clock import Clock, SystemClock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import Event, EventType
from grantline.model.ids import ApiId, EvaluationId, GatewayId, Randomness, opaque
from grantline.sdk.resource_server import ContextRefused, ContextVerifier

KEYS_AT_MOST_EVERY_S = 60.0
ENROL_AGAIN_S = 0.5
ENROLMENT = "enrolment-token"
SET_ASIDE = "set-aside.jsonl"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Front:
    """One API behind one Envoy. `base`: its external URL. The sockets are where Envoy asks and sends filtered calls."""

    api: ApiId
    base: str
    decision_socket: Path
    minimiser_socket: Path
    upstream: Address


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """Everything that tells one gateway from another. `folder`: its own; `submit`: brings events to the ledger.

    A file `enrolment-token` in the folder is spent on the first start. `authority`: where the issuer is reached, if
    not at its own address. `passphrase`: wraps what seals the gateway's key; None leaves that in clear beside it.
    """

    name: GatewayId
    folder: Path
    issuer: str
    fronts: tuple[Front, ...]
    submit: Callable[[Identity], Submit]
    authority: str | None = None
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    follower: FollowerSettings = field(default_factory=FollowerSettings)
    minimiser: MinimiserSettings = field(default_factory=MinimiserSettings)
    passphrase: bytes | None = field(default=None, repr=False)


class GatewayParts:
    """The parts of one gateway, wired. Usable without fronts: the ASGI adapter takes `gateway` alone."""

    def __init__(self, plan: GatewayPlan, clock: Clock, randomness: Randomness) -> None:
        self.plan, self.clock = plan, clock
        key = instance_key(plan.folder, plan.passphrase)
        self.identity = Identity(plan.name, key)
        self.authority = AuthorityClient(plan.issuer, plan.name, key, clock, randomness, base_url=plan.authority)
        self.bundle = Bundle(self.authority.bundle)
        # Calls inside this very program tell their own end, and nothing but the program could end them earlier.
        timeout = round(plan.settings.call_timeout_s * 1e9) if plan.fronts else None
        self.standing = Standing(clock, loaded=self.bundle.loaded, proxy_timeout_ns=timeout)
        self.spool = Spool(plan.folder / "spool", clock, randomness, most=plan.settings.waiting_events)
        self.keys_wanted = asyncio.Event()
        self.gateway = Gateway(
            self.identity,
            find=asking_for_keys(self.bundle.key, self.keys_wanted.set),
            standing=self.standing,
            versions=Versions(self.authority.version, self.bundle.key, clock, failures=self.trouble),
            record=self.spool,
            clock=clock,
            randomness=randomness,
            replays=Replays(capacity=plan.settings.proofs),
            calls=Calls(self.authority.calls, clock, failures=self.trouble),
            opaque=OpaqueTokens(self.authority.token, clock, misses=plan.settings.missed_tokens, failures=self.trouble),
        )
        self.bundle.on_change(lambda content: self.gateway.use(Compiled.of(content)))
        self.pending = Pending(lambda: clock.wall_us() / 1_000_000)
        self.flights = Flights(self.gateway, self.pending, clock)
        self.follower = self._follower(opaque("b", randomness))
        self._randomness = randomness

    def _follower(self, boot: str) -> Follower:
        file = TableFile(self.plan.folder / "feed.json")
        following = Following(
            boot=boot,
            clock=self.clock,
            workers=[self.standing],
            table=Cutoffs.restored(file.load()),
            loaded=self.bundle.loaded,
            finding=self.finding,
            keys=self.bundle.kids,
        )
        return Follower(
            following, self.authority.feed, self.bundle, file, settings=self.plan.follower, troubles=self.trouble
        )

    # What is told

    def trouble(self, text: str) -> None:
        """For the operator's log."""
        _log.warning("%s: %s", self.plan.name, text)

    def finding(self, code: str) -> None:
        """What must not happen goes into the record."""
        self.trouble(f"finding {code}")
        self._own(EventType.FINDING, "error", code)

    def recovered(self, seconds: float) -> None:
        """The ledger takes events again: an outage is told of, with the refusals that it left no record of."""
        if seconds * 1_000_000 > LATE_US:
            since = self.clock.wall_us() - round(seconds * 1_000_000)
            more = {"gateway": self.plan.name, "unrecorded": self.gateway.unrecorded}
            self._append(outage_event(since, self.clock, self._randomness, **more))
            self.gateway.unrecorded = 0

    def _own(self, kind: EventType, out: Literal["permit", "error"], code: str | None = None) -> None:
        self._append(
            own_event(kind, out, code, self.plan.name, now_us=self.clock.wall_us(), randomness=self._randomness)
        )

    def _append(self, event: Event) -> None:
        try:
            self.spool.append(event, outcome=True).add_done_callback(lambda done: done.cancelled() or done.exception())
        except AuditUnavailable as error:
            self.trouble(f"not recorded: {error.detail}")

    # What an earlier run left

    def recover(self) -> None:
        """Count calls that may still run, say of each that nobody knows its end, and tell of damage."""
        self._own(EventType.GATEWAY_STARTED, "permit")
        for damage in self.spool.damage:
            self.trouble(damage)
            self.finding("spool_damaged")
        self.recall(OpenCall(decision.grants) for decision in self.spool.open_decisions)
        for decision in self.spool.open_decisions:
            evaluation = EvaluationId(decision.evaluation)
            self.gateway.note(Outcome(evaluation, decision.consent, decision.seq, None))

    def recall(self, calls: Iterable[OpenCall]) -> None:
        """Calls of an earlier run go on where a proxy carries them; inside a program they ended with it."""
        if self.plan.fronts:
            self.standing.recall(calls)

    async def enrol(self) -> None:
        """Spend the one-time token, if there is one. An authority that does not answer yet is asked again."""
        token = self.plan.folder / ENROLMENT
        while token.exists():
            try:
                await self.authority.enrol(read_private(token).decode().strip())
            except httpx2.TransportError as error:
                self.trouble(f"not enrolled yet: {error!r}")
                await asyncio.sleep(ENROL_AGAIN_S)
            else:
                token.unlink()

    async def keep_keys(self) -> None:
        """A token by an unknown key may be of a new one: ask, at most once a minute."""
        while True:
            await self.keys_wanted.wait()
            try:
                await self.bundle.refresh()
            except Exception as error:  # The former bundle stays.
                self.trouble(f"the bundle could not be refreshed: {error!r}")
            await asyncio.sleep(KEYS_AT_MOST_EVERY_S)
            self.keys_wanted.clear()

    async def keep_counting(self) -> None:
        """Tell the record, again and again, how much this gateway recorded."""
        every_s = self.plan.settings.heartbeat_s
        await beat(self.spool, every_s, self.clock, self._randomness, failures=self.trouble)

    async def close(self) -> None:
        """Write what waits and let connections go."""
        await self.spool.close()
        await self.authority.close()


def own_context(parts: GatewayParts, api: ApiId) -> Verify:
    """Believes contexts of this very gateway for this API, while they last and for the call they were made for."""
    jwks = {str(parts.identity.name): [parts.identity.key.public.jwk]}

    def verify(text: str, method: str, target: str) -> EvaluationId | None:
        audience = parts.gateway.audience(api)
        if audience is None:
            return None
        try:
            context = ContextVerifier(jwks, audience, skew_ms=0, clock=parts.clock).verify([text], method, target)
        except ContextRefused as refused:
            parts.trouble(f"a filtered call was refused: {refused.detail}")
            return None
        return EvaluationId(context.ev)

    return verify


@asynccontextmanager
async def embedded(plan: GatewayPlan) -> AsyncIterator[GatewayParts]:
    """A gateway inside a program of yours: follows the feed, records and ships for as long as the block lasts.

    It denies every call until it has a lease. Put `adapters.asgi.Enforced` with `parts.gateway` before your app.
    """
    parts = GatewayParts(plan, SystemClock(), secrets.token_bytes)
    try:
        await parts.enrol()
        parts.recover()
        async with asyncio.TaskGroup() as tasks:
            submit = plan.submit(parts.identity)
            running = [
                tasks.create_task(parts.follower.run()),
                tasks.create_task(
                    ship(
                        parts.spool,
                        plan.name,
                        submit,
                        aside=SetAside(plan.folder / SET_ASIDE),
                        failures=parts.trouble,
                        recovered=parts.recovered,
                    )
                ),
                tasks.create_task(parts.keep_keys()),
                tasks.create_task(parts.keep_counting()),
            ]
            yield parts
            for task in running:
                task.cancel()
    finally:
        await parts.close()


async def run_gateway(plan: GatewayPlan, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Be the gateway of this plan until `stop`; `ready` is called once its sockets answer."""
    async with embedded(plan) as parts, asyncio.TaskGroup() as hops:
        for front in plan.fronts:
            hops.create_task(serve_front(parts, front, stop))
        ready()
        await stop.wait()


async def serve_front(parts: GatewayParts, front: Front, stop: asyncio.Event) -> None:
    """Answer Envoy's questions for one API and carry its filtered calls, until `stop`."""
    questions = Questions(parts.gateway, parts.flights, front.api, front.base)
    server = await serve_envoy(questions, front.decision_socket)
    upstream = Upstream(front.upstream, parts.plan.minimiser)
    hop = Hop(
        upstream, parts.pending, own_context(parts, front.api), parts.flights.report, parts.plan.minimiser,
        public=describing(parts.gateway.metadata, front.api),
    )  # fmt: skip
    try:
        await serve(hop, unix_socket(front.minimiser_socket), stop, parts.plan.minimiser)
    finally:
        server.close()
        await upstream.aclose()
