"""Shortest breaking runs about acknowledgements, fences, sessions and drained calls."""

from grantline.gateway.departures import OpenCall
from grantline.gateway.following import Following
from grantline.gateway.standing import Departure, Standing
from grantline.model.feed import Ack, Beat, ClosureState, Entries, Ping
from grantline.model.ids import ConsentId, GatewayId
from grantline.signals.feed.closing import Closing
from grantline.signals.feed.closures import Closures
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.feed.sessions import Session
from grantline.signals.feed.settings import FeedSettings
from tests.feed_world import FENCE_MS, Rules, World, claims
from tests.unit.feed.lease_runs import SlowWorker
from tests.unit.feed.runs import Run

# Acknowledgements


class AckByOne(Feed):
    """Takes one worker's word for all."""

    async def acknowledge(self, session: Session, ack: Ack) -> bool:
        highest = max(seq for _, seq in ack.workers)
        everybody = tuple((worker, highest) for worker, _ in ack.workers)
        whole = Ack(ack.session, ack.boot, ack.incarnation, "", everybody, ack.busy)
        return await super().acknowledge(session, whole)


async def ack_by_every_worker(rules: Rules) -> bool:
    rules.standing = SlowWorker
    world = await World(rules).start()
    gateway = await world.gateway(workers=2)
    seq = await world.end()
    gateway.hear()
    await gateway.ack()
    return await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))


class AckSentOnce(Following):
    """Says a thing once, and trusts the network."""

    said = -1

    def acknowledgement(self) -> Ack | None:
        ack = super().acknowledgement()
        if ack is None or ack.workers[0][1] <= self.said:
            return None
        self.said = ack.workers[0][1]
        return ack


async def acks_repeated(rules: Rules) -> bool:
    """L2: after one lost acknowledgement, one healthy round trip closes. True if it does not."""
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    gateway.hear()
    gateway.following.acknowledgement()
    await gateway.round()
    return not await world.closed(seq)


class AcksOfTheKey(Feed):
    """Counts an acknowledgement for whoever has the same key."""

    async def acknowledge(self, session: Session, ack: Ack) -> bool:
        for member in self._roll.members():
            if member.gateway == session.gateway:
                member.take(ack)
        return await super().acknowledge(session, ack)


async def acks_per_session(rules: Rules) -> bool:
    """A copy of the gateway holds a lease; the original speaks for itself alone."""
    world = await World(rules).start()
    clone = await world.gateway("bank")
    original = await world.gateway("bank")
    assert clone.stands()
    assert original.stands()
    seq = await world.end()
    original.hear()
    await original.ack()
    return await world.closed(seq) and world.upstream(clone.standing.depart(claims()))


# Fences


class FenceFromLastReceipt(Feed):
    """Waits on for as long as anything is heard."""

    def ping(self, session: Session, ping: Ping) -> None:
        super().ping(session, ping)
        for count in self.closing._counts.values():
            count.fence_ns = self._clock.boot_ns() + self.closing.fence_ns


async def fence_from_the_commit(rules: Rules) -> bool:
    """S2: pings arrive, beats and entries do not. True if it is not closed at lease + margin after the commit."""
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    for _ in range(11):
        world.pass_ms(FENCE_MS / 11)
        gateway.ping()
        await world.feed.beat()
    return not await world.closed(seq)


class CountsAsSilent(Closing):
    """After a start, takes everybody for silent since ever."""

    @property
    def fence_ns(self) -> int:
        return 0


class RestartForgets(Feed):
    async def _count_again(self) -> None:
        self.closing.__class__ = CountsAsSilent
        await super()._count_again()
        self.closing.__class__ = Closing


async def restart_counts_anew(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    world.pass_ms(10)
    await world.start()
    closed_early = await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))
    world.pass_ms(FENCE_MS)
    assert await world.closed(seq)
    assert not gateway.stands()
    return closed_early


class SessionsInMemory(Feed):
    """A start knows only of sessions that were opened since."""

    async def start(self) -> None:
        await super().start()
        for session in self._roll.members():
            self._roll.retire(session)
        self.closing._counts.clear()
        await self._count_again()


async def sessions_outlive_the_authority(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    await world.start()
    seq = await world.end()
    return await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))


class LeavingEndsTheWait(Feed):
    async def remove(self, gateway: GatewayId) -> bool:
        gone = await super().remove(gateway)
        for session in self._roll.members():
            if session.gateway == gateway:
                self._roll.retire(session)
                for count in self.closing._counts.values():
                    count._members.pop(session.session, None)
        return gone


async def leaving_does_not_end_the_wait(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    await world.feed.remove(gateway.name)
    return await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))


class ForgetsLongerLease(Feed):
    """Counts with the setting of this start alone."""

    async def start(self) -> None:
        await super().start()
        self.closing.lease_ms = self._settings.lease_ms


async def the_longer_lease_stays_in_force(rules: Rules) -> bool:
    """The lease was ten seconds; an operator shortens it; a gateway still holds a long one."""
    rules.settings = FeedSettings(lease_ms=10_000)
    world = await World(rules).start()
    gateway = await world.gateway()
    rules.settings = FeedSettings()
    await world.start()
    seq = await world.end()
    world.pass_ms(FENCE_MS)
    early = await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))
    world.pass_ms(10_600 - FENCE_MS)
    assert await world.closed(seq)
    later = await world.end("h")
    world.pass_ms(FENCE_MS)
    assert await world.closed(later)
    return early


class ClosesWithoutProof(Feed):
    """A process that was deposed goes on closing what it counts."""

    async def start(self) -> None:
        await super().start()
        proven = self._work

        class Trusting:
            """Whatever this process writes, it is the keeper."""

            async def write(self, unit, *, essential=False):  # type: ignore[no-untyped-def]
                return await proven.write(lambda tx: unit(_Proven(tx)), essential=essential)

        self.closing._work = Trusting()  # type: ignore[assignment]


class _Proven:
    """A transaction in which every proof succeeds."""

    def __init__(self, tx) -> None:  # type: ignore[no-untyped-def]
        self.outbox = tx.outbox
        self.gateways = self
        self.closures = tx.gateways.closures
        self.keeper = self

    async def prove(self, _holder: str) -> bool:
        return True


async def only_the_keeper_closes(rules: Rules) -> bool:
    """A gateway joins at the new keeper; the deposed one has not noticed yet, and waits for nobody."""
    world = await World(rules).start()
    deposed = world.feed
    await world.start()
    gateway = await world.gateway()
    seq = await world.end()
    try:
        await deposed.push()
        await deposed.settle()
    except NotKeeper:
        assert not deposed.keeps
    told = await Closures(world.work, deposed).follow(seq)
    assert gateway.stands()
    return told.state is ClosureState.CLOSED


# In flight


async def drained_by_report(rules: Rules) -> bool:
    """S4: the gateway is stopped with a call in flight, and nothing but itself would end that call."""
    world = await World(rules).start()
    gateway = await world.gateway()
    departure = gateway.standing.depart(claims())
    assert isinstance(departure, Departure)
    departure.left()
    seq = await world.end()
    world.pass_ms(60_000)
    assert await world.closed(seq)
    early = await world.drained(seq)
    departure.ended()
    await gateway.round()
    assert await world.drained(seq)
    return early


class SpoolNotRead(Standing):
    """Starts as if nothing had been in flight."""

    def recall(self, calls) -> None:  # type: ignore[no-untyped-def]
        pass


async def open_calls_read_from_the_spool(rules: Rules) -> bool:
    """S4: the gateway restarts while the proxy still carries a call of it."""
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    world.pass_ms(100)
    await world.feed.gone(gateway.session)
    gateway.boot(None)
    gateway.standing._calls._timeout = 5_000_000_000
    gateway.standing.recall([OpenCall((ConsentId("g"),))])
    await gateway.connect()
    await gateway.round()
    world.pass_ms(FENCE_MS)
    await gateway.round()
    assert await world.closed(seq)
    early = await world.drained(seq)
    world.pass_ms(5_001 - FENCE_MS)
    await gateway.round()
    assert await world.drained(seq)
    return early


async def busy_calls_hold_drained_back(rules: Rules) -> bool:
    """S4: acknowledged at once, with a call still in flight."""
    world = await World(rules).start()
    gateway = await world.gateway()
    departure = gateway.standing.depart(claims("child", lin=(("g", 1), ("child", 1))))
    assert isinstance(departure, Departure)
    departure.left()
    seq = await world.end()
    gateway.hear(Entries, Beat)
    await gateway.ack()
    assert await world.closed(seq)
    early = await world.drained(seq)
    departure.ended()
    await gateway.ack()
    assert await world.drained(seq)
    return early


class NothingBusy(Standing):
    def busy(self) -> tuple[ConsentId, ...]:
        return ()


TIMER = FeedSettings(kept_timeout_ms=5_000)
"""Says that proxies keep a timeout, where in this run nobody does."""

RUNS = (
    Run("ack by every worker", "C6", ack_by_every_worker, lambda: Rules(feed=AckByOne)),
    Run("acks repeated", "C6", acks_repeated, lambda: Rules(following=AckSentOnce)),
    Run("acks per session", "C7", acks_per_session, lambda: Rules(feed=AcksOfTheKey)),
    Run("fence from the commit", "C1", fence_from_the_commit, lambda: Rules(feed=FenceFromLastReceipt)),
    Run("a restart counts anew", "C1, C8", restart_counts_anew, lambda: Rules(feed=RestartForgets)),
    Run("durable sessions", "C7", sessions_outlive_the_authority, lambda: Rules(feed=SessionsInMemory)),
    Run("leaving ends no wait", "C7", leaving_does_not_end_the_wait, lambda: Rules(feed=LeavingEndsTheWait)),
    Run("longest lease in force", "C13", the_longer_lease_stays_in_force, lambda: Rules(feed=ForgetsLongerLease)),
    Run("only the keeper closes", "C2, C8", only_the_keeper_closes, lambda: Rules(feed=ClosesWithoutProof)),
    Run("drained by report", "C9", drained_by_report, lambda: Rules(settings=TIMER)),
    Run("open calls from the spool", "C9", open_calls_read_from_the_spool, lambda: Rules(standing=SpoolNotRead)),
    Run("busy calls", "C9", busy_calls_hold_drained_back, lambda: Rules(standing=NothingBusy)),
)
